import { EventEmitter } from "node:events";
import type { Server } from "node:http";

/** An emitter that becomes an HTTP server, with all who listen to it, when it is told to listen. */
class DeferredListener extends EventEmitter {
  get listening() {
    return false;
  }

  listen(...options: Parameters<Server["listen"]>): Server {
    const { Server: HttpServer } = process.getBuiltinModule("node:http");
    Object.setPrototypeOf(this, HttpServer.prototype);
    Reflect.apply(HttpServer, this, []);
    return (this as unknown as Server).listen(...options);
  }
}

/**
 * A listener for `createApp` that a startup snapshot can hold: of node:http it may hold nothing,
 * while hapi wants a listener when its server is built.
 */
export function deferredListener(): Server {
  return new DeferredListener() as unknown as Server;
}
