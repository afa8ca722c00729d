import { runUntilSignal } from "service-kit/lifecycle";
import { startServer } from "./server.ts";

runUntilSignal(startServer({ start: true }));
