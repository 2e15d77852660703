import Database from "better-sqlite3";
import Fastify from "fastify";

/** Fastify as it comes, on a Unix socket: runs a plain prepared SELECT and sends the rows as they are. */
const [socket, file] = process.argv.slice(2);
if (socket === undefined || file === undefined)
  throw new Error("expected the paths of a socket and of a database");

const db = new Database(file, { readonly: true });
const byId = db.prepare<[string]>("SELECT * FROM history WHERE id = ?");
const last = db.prepare<[number]>("SELECT * FROM history ORDER BY timestamp DESC LIMIT ?");

const server = Fastify();
server.get<{ Params: { id: string } }>("/entries/:id", (request, reply) =>
  reply.send(byId.get(request.params.id)),
);
server.get("/entries", (_request, reply) => reply.send(last.all(100)));
await server.listen({ path: socket });
process.stdout.write("ready\n");
