/** Starts `rewardlang lsp` and connects it to the editor; everything else the server does. */

import * as vscode from "vscode";
import { LanguageClient, LanguageClientOptions, ServerOptions } from "vscode-languageclient/node";

const LANGUAGE = "rewardlang";

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  context.subscriptions.push(
    vscode.commands.registerCommand("rewardlang.restart", restart),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration("rewardlang.command")) {
        await restart();
      }
    }),
  );
  await start();
}

export async function deactivate(): Promise<void> {
  const running = client;
  client = undefined;
  if (running?.isRunning()) {
    await running.stop();
  }
}

async function restart(): Promise<void> {
  await deactivate();
  await start();
}

async function start(): Promise<void> {
  const command = serverCommand();
  const server: ServerOptions = { command, args: ["lsp"] };
  const options: LanguageClientOptions = { documentSelector: [{ language: LANGUAGE }] };
  client = new LanguageClient(LANGUAGE, "rewardlang", server, options);
  try {
    await client.start();
  } catch (error) {
    await explain(command, error);
  }
}

/** The command of the settings, with the workspace's folder filled in. */
function serverCommand(): string {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "";
  const command = vscode.workspace.getConfiguration(LANGUAGE).get<string>("command", LANGUAGE);
  return command.replaceAll("${workspaceFolder}", folder);
}

/** Say what is missing, and where it is set. */
async function explain(command: string, error: unknown): Promise<void> {
  const settings = "Open the setting";
  const reason = error instanceof Error ? error.message : String(error);
  const chosen = await vscode.window.showErrorMessage(
    `\`${command} lsp\` does not start (${reason}). ` +
      "Install it with: pip install 'rewardlang[lsp]', or set `rewardlang.command`.",
    settings,
  );
  if (chosen === settings) {
    await vscode.commands.executeCommand("workbench.action.openSettings", "rewardlang.command");
  }
}
