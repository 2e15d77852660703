import { expect, test } from "vitest";
import { createEventBus } from "../../daemon/core/events.ts";

function bus() {
  const errors: unknown[] = [];
  return { errors, bus: createEventBus<number>((error) => errors.push(error)) };
}

test("everyone who listens hears everything, in order, until they stop", () => {
  const { bus: events } = bus();
  const heard: string[] = [];
  const stop = events.subscribe((event) => heard.push(`a${event}`));
  events.subscribe((event) => heard.push(`b${event}`));
  events.publish(1);
  stop();
  stop();
  events.publish(2);
  expect(heard).toEqual(["a1", "b1", "b2"]);
});

test("one function may listen twice, and stops once for each", () => {
  const { bus: events } = bus();
  const heard: number[] = [];
  const listen = (event: number): void => void heard.push(event);
  const stops = [events.subscribe(listen), events.subscribe(listen)];
  events.publish(1);
  stops[0]!();
  events.publish(2);
  expect(heard).toEqual([1, 1, 2]);
});

test("a listener that throws hurts neither the others nor who publishes", () => {
  const { bus: events, errors } = bus();
  const heard: number[] = [];
  events.subscribe(() => {
    throw new Error("mine");
  });
  events.subscribe((event) => heard.push(event));
  events.publish(1);
  expect(heard).toEqual([1]);
  expect(errors).toEqual([new Error("mine")]);
});

test("who begins or ends listening while an event is told does not change who hears it", () => {
  const { bus: events } = bus();
  const heard: string[] = [];
  const stopFirst = events.subscribe((event) => {
    heard.push(`a${event}`);
    stopFirst();
    if (event === 1) events.subscribe((later) => heard.push(`c${later}`));
  });
  events.subscribe((event) => heard.push(`b${event}`));
  events.publish(1);
  events.publish(2);
  expect(heard).toEqual(["a1", "b1", "b2", "c2"]);
});
