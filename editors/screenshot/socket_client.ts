/** Stands in for `vscode-languageclient/node`: the same client, its server behind a WebSocket. */

import {
  AbstractMessageReader,
  AbstractMessageWriter,
  DataCallback,
  Disposable,
  LanguageClient as BrowserClient,
  LanguageClientOptions,
  Message,
  MessageTransports,
} from "vscode-languageclient/browser";

export type { LanguageClientOptions } from "vscode-languageclient/browser";
export type ServerOptions = unknown;

/** Where `take.mjs` listens: the page's own address. */
const ADDRESS = `ws://${location.host}/lsp`;

export class LanguageClient extends BrowserClient {
  constructor(id: string, name: string, _server: ServerOptions, options: LanguageClientOptions) {
    super(id, name, connect, options);
  }
}

async function connect(): Promise<MessageTransports> {
  const socket = new WebSocket(ADDRESS);
  await new Promise((opened, failed) => {
    socket.onopen = opened;
    socket.onerror = failed;
  });
  return { reader: new Reader(socket), writer: new Writer(socket) };
}

class Reader extends AbstractMessageReader {
  constructor(private readonly socket: WebSocket) {
    super();
    socket.onclose = () => this.fireClose();
  }

  listen(callback: DataCallback): Disposable {
    this.socket.onmessage = ({ data }) => callback(JSON.parse(data));
    return { dispose: () => (this.socket.onmessage = null) };
  }
}

class Writer extends AbstractMessageWriter {
  constructor(private readonly socket: WebSocket) {
    super();
  }

  async write(message: Message): Promise<void> {
    this.socket.send(JSON.stringify(message));
  }

  end(): void {
    this.socket.close();
  }
}
