import test from "ava";
import { slowest } from "../../tools/report/slowest.ts";

test("the slowest tests come first, whether they passed or not", (t) => {
  const log = `
  ✔ e2e › deploy › quick
  ✔ e2e › deploy › a commit (of a value) reaches the pods (9.5s)
    ℹ live 8.1 s after Argo CD had the commit (98s)
  ✘ [fail]: e2e › rollback › a version that crashes (1m 2.5s)
  ✔ e2e › images › refused (350ms)
  ✔ e2e › live › followed (2m)
`;
  t.deepEqual(slowest(log, 3), [
    { title: "e2e › live › followed", seconds: 120 },
    { title: "e2e › rollback › a version that crashes", seconds: 62.5 },
    { title: "e2e › deploy › a commit (of a value) reaches the pods", seconds: 9.5 },
  ]);
});
