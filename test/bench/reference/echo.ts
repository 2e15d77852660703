import Fastify from "fastify";

/** Fastify as it comes, on a Unix socket: takes JSON and sends it back. What any HTTP API on Node costs at least. */
const [socket] = process.argv.slice(2);
if (socket === undefined) throw new Error("expected the path of a socket");

const server = Fastify();
server.post("/echo", (request, reply) => reply.status(201).send(request.body));
await server.listen({ path: socket });
process.stdout.write("ready\n");
