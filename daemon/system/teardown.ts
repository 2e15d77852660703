/** What must be stopped again, in the reverse of the order in which it was started. */
export interface Teardown {
  /** Notes how to stop what was just started. */
  add(name: string, stop: () => Promise<void> | void): void;
  /** Stops everything, last first, each once; a step that fails does not keep the others from running. */
  run(onError: (name: string, error: unknown) => void): Promise<void>;
}

export function createTeardown(): Teardown {
  const steps: { name: string; stop: () => Promise<void> | void }[] = [];
  return {
    add(name, stop) {
      steps.push({ name, stop });
    },
    async run(onError) {
      for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
        try {
          await step.stop();
        } catch (error) {
          onError(step.name, error);
        }
      }
    },
  };
}
