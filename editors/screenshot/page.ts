/** VS Code's workbench in a page, with the extension of `../vscode` and one program open. */

import { initialize } from "@codingame/monaco-vscode-api";
import { ExtensionHostKind, registerExtension } from "@codingame/monaco-vscode-api/extensions";
import EditorWorker from "@codingame/monaco-vscode-api/workers/editor.worker?worker";
import configuration, { initUserConfiguration } from "@codingame/monaco-vscode-configuration-service-override";
import explorer from "@codingame/monaco-vscode-explorer-service-override";
import extensions from "@codingame/monaco-vscode-extensions-service-override";
import files, {
  RegisteredFileSystemProvider,
  RegisteredMemoryFile,
  registerFileSystemOverlay,
} from "@codingame/monaco-vscode-files-service-override";
import keybindings from "@codingame/monaco-vscode-keybindings-service-override";
import languages from "@codingame/monaco-vscode-languages-service-override";
import markers from "@codingame/monaco-vscode-markers-service-override";
import model from "@codingame/monaco-vscode-model-service-override";
import outline from "@codingame/monaco-vscode-outline-service-override";
import textmate from "@codingame/monaco-vscode-textmate-service-override";
import TextMateWorker from "@codingame/monaco-vscode-textmate-service-override/worker?worker";
import "@codingame/monaco-vscode-theme-defaults-default-extension";
import theme from "@codingame/monaco-vscode-theme-service-override";
import "@codingame/monaco-vscode-theme-seti-default-extension";
import workbench from "@codingame/monaco-vscode-workbench-service-override";
import * as vscode from "vscode";
import "vscode/localExtensionHost";
import languageConfiguration from "../vscode/language-configuration.json?url";
import manifest from "../vscode/package.json";
import { activate } from "../vscode/src/extension";
import grammar from "../vscode/syntaxes/rewardlang.tmLanguage.json?url";

const FOLDER = vscode.Uri.file("/tasks/libero_object");

const SETTINGS = {
  "workbench.colorTheme": "Default Dark Modern",
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "window.commandCenter": false,
  "editor.fontSize": 13,
  "editor.minimap.enabled": false,
  "editor.wordWrap": "off",
  "editor.hover.above": false, // the program stays in sight
};

const WORKERS: Record<string, new () => Worker> = {
  editorWorkerService: EditorWorker,
  TextMateWorker,
};

window.MonacoEnvironment = { getWorker: (_module, label) => new WORKERS[label]() };

/** Put the files that the server hands out into the workbench's file system. */
async function mount(): Promise<vscode.Uri[]> {
  const provider = new RegisteredFileSystemProvider(false);
  const programs: Record<string, string> = await (await fetch("/programs.json")).json();
  const uris = Object.entries(programs).map(([name, text]) => {
    const uri = vscode.Uri.joinPath(FOLDER, name);
    provider.registerFile(new RegisteredMemoryFile(uri, text));
    return uri;
  });
  registerFileSystemOverlay(1, provider);
  return uris;
}

async function start(): Promise<void> {
  await initUserConfiguration(JSON.stringify(SETTINGS));
  const programs = await mount();
  await initialize(
    {
      ...configuration(),
      ...explorer(),
      ...extensions(),
      ...files(),
      ...keybindings(),
      ...languages(),
      ...markers(),
      ...model(),
      ...outline(),
      ...textmate(),
      ...theme(),
      ...workbench(),
    },
    document.body,
    { workspaceProvider: { trusted: true, workspace: { folderUri: FOLDER }, open: async () => false } },
  );
  await load();
  await show(programs[0]);
}

/** Register the extension as an editor reads it from its folder, and start it. */
async function load(): Promise<void> {
  const { main: _, ...declared } = manifest;
  const extension = registerExtension(declared, ExtensionHostKind.LocalProcess);
  extension.registerFileUrl("./language-configuration.json", languageConfiguration);
  extension.registerFileUrl("./syntaxes/rewardlang.tmLanguage.json", grammar);
  await extension.setAsDefaultApi();
  await activate({ subscriptions: [] } as unknown as vscode.ExtensionContext);
}

/** The program alone, with its first problem spelt out. */
async function show(program: vscode.Uri): Promise<void> {
  await vscode.commands.executeCommand("workbench.action.closeSidebar");
  await vscode.window.showTextDocument(program, { preview: false });
}

await start();
document.body.dataset.ready = "true";
