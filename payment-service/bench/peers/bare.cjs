// The least that serves the contract on Node: what hapi and its care cost is measured against it.
// CommonJS, as payment's bundle is: modules take longer to start.
const { createServer } = require("node:http");

const currencies = new Set(["EUR", "USD", "DKK", "SEK", "GBP"]);

function isCharge(body) {
  return (
    currencies.has(body?.currency) &&
    Number.isFinite(body.value) &&
    body.value > 0 &&
    Number.isInteger(body.customer_id) &&
    body.customer_id > 0
  );
}

function answer(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function charge(request, response) {
  if (request.headers["content-type"]?.split(";")[0] !== "application/json") {
    return answer(response, 415, { message: "JSON only" });
  }
  let text = "";
  request.setEncoding("utf8");
  request.on("data", (chunk) => {
    text += chunk;
  });
  request.on("end", () => {
    let body;
    try {
      body = JSON.parse(text);
    } catch {}
    if (!isCharge(body)) return answer(response, 400, { message: "not a charge" });
    answer(response, 200, { result: Math.random() < 0.5 });
  });
}

createServer((request, response) => {
  const { method, url } = request;
  if (method === "GET" && url === "/health") answer(response, 200, { status: "ok" });
  else if (method === "POST" && url === "/api/v1/charge") charge(request, response);
  else answer(response, 404, { message: "not found" });
}).listen(Number(process.env.PORT), process.env.HOST);
