import type { NewEntry } from "../../client-lib/protocol/entry.ts";

/** A new entry with everything but its id. */
export type Payload = Omit<NewEntry, "id">;

const COMMANDS = [
  "sudo systemctl restart {service} && journalctl -u {service} -n 50",
  "kubectl -n {project} logs -f deploy/{service} --since=15m | grep {word}",
  "docker compose -f {project}/compose.yml up -d {service} --build",
  "grep -rn --include='*.conf' \"{word}\" /etc/{service} | head -20",
  "tail -f /var/log/{service}/{project}.log | grep -i {word}",
  "git -C ~/src/{project} log --oneline --author={word} | head",
  "rsync -avz ./{project}/ backup@{host}:/srv/{service}/{word}/",
  "mysql -h {host} -u {service} {project} -e 'SHOW PROCESSLIST'",
  "ssh {host} 'df -h /srv/{project}; free -m; uptime'",
  "vim ~/src/{project}/{service}/configuração-{word}.yaml",
] as const;

const WORDS = {
  service: [
    "nginx",
    "asterisk",
    "mysql",
    "redis",
    "haproxy",
    "postfix",
    "zabbix",
    "openvpn",
    "dovecot",
    "bind9",
  ],
  project: ["portal", "billing", "boletos", "suporte", "backoffice", "gateway", "relatorios", "cobranca"],
  host: ["db-01.sp", "db-02.rj", "web-03.sp", "pbx-11.bh", "pbx-12.poa", "edge-07.cwb"],
  word: [
    "timeout",
    "falha",
    "registro",
    "erro",
    "refused",
    "latência",
    "certificado",
    "retry",
    "ramal",
    "usuário",
  ],
} as const;

const SENTENCES = [
  "O serviço parou porque o disco de logs encheu; apague os arquivos antigos e reinicie.",
  "The certificate expired this morning, renew it and reload the proxy.",
  "Verifique primeiro a configuração do ramal e depois o registro no servidor.",
  "The connection is refused because the firewall drops the port after the last update.",
  "Run the command again with a longer timeout and look at the second line of the output.",
  "Aumente o limite de conexões e acompanhe a latência durante alguns minutos.",
] as const;

/** One entry in so many carries an answer. */
const ANSWER_EVERY = 5;
const ANSWER_CHARACTERS = 500;

/**
 * Entries as a support team's shells would send them: commands of about 60 bytes, every fifth with an answer of about
 * 500. The same seed gives the same entries, so that both sides of a comparison send the same bytes.
 */
export function createPayloads(count: number, seed: number): Payload[] {
  const random = createRandom(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  return Array.from({ length: count }, (_, index): Payload => {
    // A number makes the words of a history differ as they do in life: ports, tickets, process ids.
    const command = `${pick(COMMANDS).replaceAll(/\{(\w+)\}/g, (_match, kind: keyof typeof WORDS) => pick(WORDS[kind]))} #${Math.floor(random() * 100_000)}`;
    const answered = index % ANSWER_EVERY === 0;
    return {
      kind: answered ? "chat" : "command",
      command,
      ...(answered ? { response: answer(pick) } : {}),
      cwd: `/home/${pick(WORDS.word)}/src/${pick(WORDS.project)}`,
      shell: "bash",
      session_id: `pts-${Math.floor(random() * 20)}`,
      exit_code: random() < 0.9 ? 0 : 1,
      duration_ms: Math.floor(random() * 5000),
    };
  });
}

function answer(pick: (from: readonly string[]) => string): string {
  let text = "";
  while (text.length < ANSWER_CHARACTERS) text += `${pick(SENTENCES)} `;
  return text.slice(0, ANSWER_CHARACTERS);
}

/** Mulberry32: small, and good enough to choose words with. In [0, 1). */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
