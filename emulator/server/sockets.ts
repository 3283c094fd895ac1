import type { Server } from 'node:https';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Logger } from '../../common/logger.ts';
import type { ConnectionRecord, Connections, DisconnectReason, LiveConnection } from './connections.ts';
import { DeviceSession, type SessionParts } from './device-session.ts';
import { SOCKET_PATH } from './page-files.ts';

/** The largest frame of a device, bytes: media does not travel in frames. */
const FRAME_LIMIT = 4 * 1024 * 1024;
/** How long a device may take to answer a close before it is cut, milliseconds. */
const CLOSE_GRACE = 1000;

/** The page's WebSocket: makes a session of every connection and watches that it is alive. */
export class Sockets {
  readonly #server: WebSocketServer;
  readonly #parts: SessionParts;
  readonly #connections: Connections;
  readonly #log: Logger;
  readonly #sockets = new Map<LiveConnection, { socket: WebSocket; unanswered: number }>();
  #stopPings: () => void = () => {};

  constructor(host: Server, parts: SessionParts, log: Logger) {
    this.#log = log;
    this.#parts = parts;
    this.#connections = parts.connections;
    this.#server = new WebSocketServer({
      server: host,
      path: SOCKET_PATH,
      maxPayload: FRAME_LIMIT,
      perMessageDeflate: false,
      verifyClient: (_info, decide) =>
        decide(!parts.faults.all.outage, 503, 'WhatsApp is down (fault: outage)'),
    });
    this.#server.on('connection', (socket, request) => this.#accept(socket, request.socket.remotePort ?? 0));
    this.#ping();
  }

  /** Starts the pings afresh, at the interval that is set now. */
  restartPings(): void {
    this.#stopPings();
    this.#ping();
  }

  /** Ends all connections and takes no new ones. */
  close(): void {
    this.#stopPings();
    for (const connection of this.#connections.open()) connection.drop('server_closing');
    this.#server.close();
  }

  #accept(socket: WebSocket, remotePort: number): void {
    const record = this.#connections.opened(remotePort);
    const ended = (reason: DisconnectReason) => {
      if (record.disconnectedAt !== undefined) return;
      this.#connections.ended(connection, reason);
      this.#sockets.delete(connection);
      session.ended();
      this.#parts.changed();
    };
    const connection = liveConnection(socket, record, ended);
    const session = new DeviceSession(this.#parts, connection);
    const alive = { socket, unanswered: 0 };
    this.#connections.attach(connection);
    this.#sockets.set(connection, alive);
    socket.on('pong', () => {
      alive.unanswered = 0;
    });
    socket.on('message', (data) => {
      try {
        session.receive(data.toString());
      } catch (error) {
        this.#log.error({ connection: record.id, err: error }, 'a frame could not be handled');
        connection.drop('refused');
      }
    });
    socket.on('close', () => ended('closed_by_device'));
    // ws tells of broken frames and resets here, and closes afterwards: `close` is where it is noted.
    socket.on('error', () => {});
  }

  #ping(): void {
    this.#stopPings = this.#parts.timers.after(this.#parts.faults.all.ping_interval_ms, () => {
      for (const [connection, alive] of [...this.#sockets]) {
        alive.unanswered += 1;
        if (alive.unanswered > 2) connection.drop('no_answer_to_pings');
        else alive.socket.ping();
      }
      this.#ping();
    });
  }
}

function liveConnection(
  socket: WebSocket,
  record: ConnectionRecord,
  ended: (reason: DisconnectReason) => void,
): LiveConnection {
  return {
    record,
    synced: false,
    send: (frame) => {
      // After its end nothing more is said to it: the server has dropped it.
      if (record.disconnectedAt === undefined && socket.readyState === socket.OPEN)
        socket.send(JSON.stringify(frame));
    },
    close: (reason, code) => {
      ended(reason);
      socket.close(code);
      const cut = setTimeout(() => socket.terminate(), CLOSE_GRACE);
      socket.once('close', () => clearTimeout(cut));
    },
    drop: (reason) => {
      ended(reason);
      socket.terminate();
    },
  };
}
