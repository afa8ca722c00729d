import { runUntilSignal } from "service-kit/lifecycle";
import { pay } from "./pay.ts";
import { startServer } from "./server.ts";

const [, , command, url = ""] = process.argv;
if (command === "pay")
  pay(url).then(console.log, ({ message }: Error) => {
    console.error(message);
    process.exitCode = 1;
  });
else runUntilSignal(startServer({ start: true }));
