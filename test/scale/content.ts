import type { Entry } from "../../client-lib/protocol/entry.ts";

const COMMANDS = [
  "systemctl --user restart asterisk",
  "journalctl -u nginx --since '10 min ago' | grep -i erro",
  "ssh suporte@10.20.30.40 'df -h /var && free -m'",
  "sudo tail -n 200 /var/log/freeradius/radius.log",
  "docker compose -f /srv/painel/compose.yml logs --tail 100 api",
  "ip -br addr show && ip route get 8.8.8.8",
];

const ANSWER =
  "O serviço não subiu porque a porta 5060 já estava em uso por outro processo. Confirme com ss -ulpn, encerre o " +
  "processo antigo e reinicie o serviço; se o erro voltar, verifique a configuração do transporte e o firewall. ";

/** One in so many things is a question to the assistant with its answer, the others are commands. */
const CHAT_EVERY = 5;

/**
 * What somebody in support does: a command, now and then a question with its answer. No two texts are the same.
 * @param serial of this machine
 */
export function madeUpEntry(machineId: string, serial: number): Partial<Entry> & { command: string } {
  const unique = `# ${machineId}/${serial}`;
  if (serial % CHAT_EVERY === 0) {
    return {
      kind: "chat",
      command: `por que o serviço não sobe depois da atualização? ${unique}`,
      response: ANSWER.repeat(3),
    };
  }
  return {
    command: `${COMMANDS[serial % COMMANDS.length]} ${unique}`,
    cwd: "/home/suporte/chamados",
    shell: "bash",
    exit_code: serial % 9 === 0 ? 1 : 0,
    duration_ms: 40 + (serial % 50) * 13,
  };
}
