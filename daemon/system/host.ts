import { createHash } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import os from "node:os";

/** Where systemd and D-Bus keep the id of this installation. */
const OS_IDS = ["/etc/machine-id", "/var/lib/dbus/machine-id"];

/**
 * What tells a copied home from the one it was copied from: the installation of the operating system it is on, and its
 * path there. Both survive reboots, upgrades, and changes of hostname and network cards.
 */
export function hostOf(home: string): string {
  return createHash("sha256")
    .update(`${osId()}\n${realpathSync(home)}`)
    .digest("hex")
    .slice(0, 32);
}

function osId(): string {
  for (const file of OS_IDS) {
    try {
      const id = readFileSync(file, "utf8").trim();
      if (id !== "") return id;
    } catch {
      // Not every system has it.
    }
  }
  return os.hostname();
}
