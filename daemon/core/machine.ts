/** Who this machine is. It can change while the daemon runs: a clone that is found out gets an identity of its own. */
export interface Machine {
  readonly id: string;
  readonly hostname: string;
  /** Random name of this cache's life; another one after a clone or a restore, so that no two lives share stamps. */
  readonly incarnation: string;
}

/** A machine whose identity can be replaced. */
export interface ReplaceableMachine extends Machine {
  become(identity: Pick<Machine, "id" | "incarnation">): void;
}

export function createMachine(machine: Machine): ReplaceableMachine {
  let { id, incarnation } = machine;
  return {
    get id() {
      return id;
    },
    get incarnation() {
      return incarnation;
    },
    hostname: machine.hostname,
    become(identity) {
      ({ id, incarnation } = identity);
    },
  };
}
