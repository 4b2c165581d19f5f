import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** One page; the extension's own modules find the editor's, and the socket in place of a child process. */
export default {
  root: here("."),
  resolve: {
    alias: [
      { find: "vscode-languageclient/node", replacement: here("socket_client.ts") },
      { find: /^vscode$/, replacement: here("node_modules/vscode/extension.api.js") },
    ],
  },
  worker: { format: "es" },
  build: { target: "esnext", minify: false, chunkSizeWarningLimit: 1e5 },
  logLevel: "error",
};
