"""OpenVLA (arXiv 2406.09246) on transformers' own modules: no remote code, no timm, any batch.

config.json + *.safetensors ─ published ─ names ─ loading ─▶ network ─▶ saving ─▶ the same layout
instruction ─ prompt ─┐
frames ─ images ──────┴─ inputs ─ decoding ─▶ tokens and log-probs ─ statistics ─▶ actions
"""
