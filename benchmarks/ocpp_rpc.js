// Node's ocpp-rpc on frames given on standard input: parsed and validated as its client does with each CALL it hears.
// Answers with processor microseconds a frame, the fastest of several rounds. The first argument is the package's folder.
const path = require("path");
const validators = require(path.join(process.argv[2], "lib", "standard-validators.js"));

const ROUNDS = 7;
const ROUND_US = 50_000;
const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));

function taken(text, validator) {
  const [kind, id, action, payload] = JSON.parse(text);
  if (kind !== 2 || typeof id !== "string") throw new Error(text);
  return validator.validate(`urn:${action}.req`, payload);
}

function fastest(text, validator) {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round += 1) {
    let count = 0;
    const began = process.cpuUsage();
    let spent = { user: 0, system: 0 };
    while (spent.user + spent.system < ROUND_US) {
      for (let again = 0; again < 100; again += 1) taken(text, validator);
      count += 100;
      spent = process.cpuUsage(began);
    }
    best = Math.min(best, (spent.user + spent.system) / count);
  }
  return best;
}

const found = asked.map(([protocol, text]) => fastest(text, validators.find((it) => it.subprotocol === protocol)));
process.stdout.write(JSON.stringify(found));
