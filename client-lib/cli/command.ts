import type { Client, ClientOptions } from "../client.ts";
import type { Cli, GlobalOptions } from "./context.ts";
import { defined } from "./input/defined.ts";
import { toSafeJson } from "./output/escape.ts";

/** Runs the work with a client of the daemon that the options name. */
export async function withClient<T>(
  cli: Cli,
  { socket, home, timeout }: GlobalOptions,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const { createClient } = await import("../client.ts");
  const timeoutMs = timeout === undefined ? undefined : timeout * 1000;
  const client = createClient(defined<ClientOptions>({ env: cli.env, socket, home, timeoutMs }));
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** Prints an answer as the options ask for: as it is, or for people. */
export async function print<T>(
  cli: Cli,
  { json }: GlobalOptions,
  answer: T,
  toText: (answer: T) => string | Promise<string>,
): Promise<void> {
  cli.out.write(json ? `${toSafeJson(answer)}\n` : await toText(answer));
}
