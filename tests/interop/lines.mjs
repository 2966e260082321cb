// Questions as JSON lines on standard input, their answers as JSON lines on standard output: {ask, ...} gives {answer},
// or {error} when answering failed.
import { createInterface } from "node:readline";

export async function serve(answers) {
  for await (const question of createInterface({ input: process.stdin })) {
    let answer;
    try {
      const { ask, ...about } = JSON.parse(question);
      answer = { answer: await answers[ask](about) };
    } catch (error) {
      answer = { error: String(error?.stack ?? error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}
