// The official OpenAI SDK, npm `openai`.
import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import {
  STALL,
  STALL_IN_STREAM,
  TEXT,
  WEATHER,
  collect,
  countingFetch,
  messages,
  sent,
  thrown,
  until,
} from "./harness.mjs";

const tools = [{ type: "function", function: { name: "weather", parameters: WEATHER } }];
const delta = (chunk) => chunk.choices[0]?.delta?.content;

function client(scene, options = {}) {
  return new OpenAI({ baseURL: scene.baseURL, apiKey: scene.key, maxRetries: 0, ...options });
}
const create = (scene, model, more = {}, options = {}) =>
  client(scene).chat.completions.create({ model, messages, ...more }, options);

// The error of a call to the first provider alone, which answers with this fault.
async function errorOf(slot, scene, fault, more) {
  await slot.a.faults(fault);
  return thrown(create(scene, slot.solo, more));
}

function is(error, kind, status) {
  assert.ok(error instanceof kind, `${error?.constructor?.name}: ${error}`);
  assert.ok(error instanceof OpenAI.APIError);
  assert.equal(error.status, status);
}

export async function fallsThrough(slot, scene) {
  const answer = await create(scene, slot.chain);
  assert.equal(answer.choices[0].message.content, TEXT);
  assert.equal(answer.choices[0].finish_reason, "stop");
  const stream = await create(scene, slot.chain, { stream: true });
  assert.equal(await collect(stream, delta), TEXT);
}

export const cases = {
  async completion(slot, scene) {
    const answer = await create(scene, slot.chain);
    assert.equal(answer.choices[0].message.content, TEXT);
    assert.equal(answer.choices[0].finish_reason, "stop");
    assert.ok(answer.usage.total_tokens > 0);
    assert.match(answer._request_id, /^req_/);
  },

  async with_response(slot, scene) {
    await slot.a.faults({ fault: "status", status: 503 });
    const { data, response, request_id } = await create(scene, slot.chain).withResponse();
    assert.equal(data.choices[0].message.content, TEXT);
    assert.equal(response.headers.get("x-429chain-chain"), slot.chain);
    assert.equal(response.headers.get("x-429chain-attempts"), "2");
    assert.match(response.headers.get("x-429chain-trail"), /;o=overloaded;s=503.*, .*;o=ok/);
    assert.equal(response.headers.get("x-request-id"), request_id);
  },

  async as_response(slot, scene) {
    const response = await create(scene, slot.chain).asResponse();
    assert.equal((await response.json()).choices[0].message.content, TEXT);
  },

  async custom_headers_and_unknown_fields(slot, scene) {
    const own = client(scene, { defaultHeaders: { "x-team": "blue", "x-429chain-mine": "no" }, organization: "org-1" });
    await own.chat.completions.create(
      { model: slot.chain, messages, wholly_unknown: { a: [1] } },
      { headers: { "x-one": "1" } },
    );
    const [entry] = await slot.a.log();
    const head = entry.head.toLowerCase();
    assert.match(head, /\r\nx-team: blue\r\n/);
    assert.match(head, /\r\nx-one: 1\r\n/);
    assert.doesNotMatch(head, /x-429chain-mine|authorization/);
    assert.deepEqual(sent(entry).wholly_unknown, { a: [1] });
    assert.equal(sent(entry).model, slot.target.split("/")[1]);
  },

  async stream(slot, scene) {
    const stream = await create(scene, slot.chain, { stream: true });
    let [text, finish, chunks] = ["", null, 0];
    for await (const chunk of stream) {
      chunks += 1;
      text += delta(chunk) ?? "";
      finish = chunk.choices[0].finish_reason ?? finish;
      assert.ok(!chunk.usage, "usage that nobody asked for");
    }
    assert.equal(text, TEXT);
    assert.equal(finish, "stop");
    assert.ok(chunks > 2);
  },

  async stream_with_usage(slot, scene) {
    const stream = await create(scene, slot.chain, { stream: true, stream_options: { include_usage: true } });
    let last;
    for await (const chunk of stream) last = chunk;
    assert.deepEqual(last.choices, []);
    assert.ok(last.usage.total_tokens > 0);
  },

  async stream_helper(slot, scene) {
    await slot.a.faults({ fault: "break", at: "content" });
    const runner = client(scene).chat.completions.stream({ model: slot.chain, messages });
    const seen = [];
    runner.on("content", (piece) => seen.push(piece));
    const message = await runner.finalMessage();
    assert.equal(message.content, TEXT);
    assert.equal(seen.join(""), TEXT);
    assert.equal((await runner.finalChatCompletion()).choices[0].finish_reason, "stop");
  },

  async stream_teed(slot, scene) {
    const stream = await create(scene, slot.chain, { stream: true });
    const [left, right] = stream.tee();
    assert.deepEqual(await Promise.all([collect(left, delta), collect(right, delta)]), [TEXT, TEXT]);
  },

  async tool_call(slot, scene) {
    const answer = await create(scene, slot.chain, { tools, tool_choice: "auto" });
    const [call] = answer.choices[0].message.tool_calls;
    assert.equal(answer.choices[0].finish_reason, "tool_calls");
    assert.deepEqual([call.function.name, JSON.parse(call.function.arguments)], ["weather", { city: "Oslo" }]);
  },

  async tool_call_in_a_stream(slot, scene) {
    await slot.a.faults({ fault: "role_only" });
    const completion = await client(scene)
      .chat.completions.stream({ model: slot.chain, messages, tools })
      .finalChatCompletion();
    const [call] = completion.choices[0].message.tool_calls;
    assert.equal(completion.choices[0].finish_reason, "tool_calls");
    assert.deepEqual([call.function.name, JSON.parse(call.function.arguments)], ["weather", { city: "Oslo" }]);
  },

  async run_tools(slot, scene) {
    const asked = [];
    const weather = (args) => (asked.push(args.city), "sunny");
    const tool = {
      type: "function",
      function: { name: "weather", parameters: WEATHER, parse: JSON.parse, function: weather },
    };
    const runner = client(scene).chat.completions.runTools({ model: slot.chain, messages, tools: [tool] });
    assert.equal(await runner.finalContent(), TEXT);
    assert.deepEqual(asked, ["Oslo"]);
    assert.equal(sent((await slot.a.log())[1]).messages.at(-1).content, "sunny");
  },

  async structured_output(slot, scene) {
    await slot.a.answer({ text: '{"city":"Oslo","degrees":3}' });
    const format = zodResponseFormat(z.object({ city: z.string(), degrees: z.number() }), "weather");
    const answer = await client(scene).chat.completions.parse({ model: slot.chain, messages, response_format: format });
    assert.deepEqual(answer.choices[0].message.parsed, { city: "Oslo", degrees: 3 });
    assert.deepEqual(sent((await slot.a.log())[0]).response_format, JSON.parse(JSON.stringify(format)));
  },

  async models(slot, scene) {
    const ids = [];
    for await (const model of client(scene).models.list()) ids.push(model.id);
    assert.ok(ids.includes(slot.chain) && ids.includes(slot.solo), ids.join());
    assert.equal((await client(scene).models.retrieve(slot.chain)).id, slot.chain);
    is(await thrown(client(scene).models.retrieve("nothing")), OpenAI.NotFoundError, 404);
  },

  async many_at_once(slot, scene) {
    const one = client(scene);
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => one.chat.completions.create({ model: slot.chain, messages })),
    );
    assert.ok(answers.every((answer) => answer.choices[0].message.content === TEXT));
  },

  async bad_request_error(slot, scene) {
    const body = {
      error: { message: "too hot", type: "invalid_request_error", param: "temperature", code: "too_hot" },
    };
    const error = await errorOf(slot, scene, { fault: "status", status: 400, body }, { temperature: 9 });
    is(error, OpenAI.BadRequestError, 400);
    assert.deepEqual([error.param, error.code, error.type], ["temperature", "too_hot", "invalid_request_error"]);
    assert.deepEqual(error.error, body.error);
    assert.ok(error.requestID);
  },

  async bad_request_error_of_our_own(slot, scene) {
    const error = await thrown(create(scene, ""));
    is(error, OpenAI.BadRequestError, 400);
    assert.equal(error.type, "invalid_request_error");
  },

  async authentication_error(slot, scene) {
    const error = await thrown(
      client(scene, { apiKey: "sk-wrong" }).chat.completions.create({ model: slot.chain, messages }),
    );
    is(error, OpenAI.AuthenticationError, 401);
    assert.equal(error.code, "invalid_api_key");
    assert.equal((await slot.a.log()).length, 0);
  },

  async permission_denied_error(slot, scene) {
    const narrow = client(scene, { apiKey: scene.narrowKey });
    const error = await thrown(narrow.chat.completions.create({ model: slot.solo, messages }));
    is(error, OpenAI.PermissionDeniedError, 403);
    assert.equal(error.type, "permission_error");
  },

  async not_found_error(slot, scene) {
    const error = await thrown(create(scene, "nothing"));
    is(error, OpenAI.NotFoundError, 404);
    assert.equal(error.code, "model_not_found");
    assert.match(error.message, /slot-0/);
  },

  async unprocessable_entity_error(slot, scene) {
    is(await errorOf(slot, scene, { fault: "status", status: 422 }), OpenAI.UnprocessableEntityError, 422);
  },

  async rate_limit_error(slot, scene) {
    const error = await errorOf(slot, scene, { fault: "rate_limit", retry_after: "30s" });
    is(error, OpenAI.RateLimitError, 429);
    assert.equal(error.code, "chain_exhausted");
    assert.ok(Number(error.headers.get("retry-after")) >= 29, error.headers.get("retry-after"));
    assert.equal(error.headers.get("x-should-retry"), null);
    assert.deepEqual(
      error.error.attempts.map((one) => [one.target, one.outcome]),
      [[slot.target, "rate_limited"]],
    );
    is(await thrown(create(scene, slot.solo, { stream: true })), OpenAI.RateLimitError, 429);
    assert.equal((await slot.a.log()).length, 1, "the limited provider was asked again");
  },

  async internal_server_error(slot, scene) {
    const error = await errorOf(slot, scene, { fault: "status", status: 500 });
    is(error, OpenAI.InternalServerError, 502);
    assert.equal(error.code, "chain_exhausted");
    is(await thrown(create(scene, slot.solo, { stream: true })), OpenAI.InternalServerError, 502);
  },

  async error_in_mid_stream(slot, scene) {
    await slot.a.faults({ fault: "break", at: "stream", after_chunks: 1, mid_event: true });
    let text = "";
    const stream = await create(scene, slot.chain, { stream: true });
    const error = await thrown(
      (async () => {
        for await (const chunk of stream) text += delta(chunk) ?? "";
      })(),
    );
    assert.ok(error instanceof OpenAI.APIError, String(error));
    assert.equal(error.code, "stream_broken");
    assert.ok(text && TEXT.startsWith(text) && text !== TEXT, text);
  },

  async connection_error(slot, scene) {
    const error = await thrown(
      client(scene, { baseURL: scene.refusedURL }).chat.completions.create({ model: slot.chain, messages }),
    );
    assert.ok(error instanceof OpenAI.APIConnectionError, String(error));
    assert.ok(!(error instanceof OpenAI.APIConnectionTimeoutError));
  },

  async timeout_error(slot, scene) {
    await slot.a.faults(STALL);
    const error = await thrown(create(scene, slot.chain, {}, { timeout: 400 }));
    assert.ok(error instanceof OpenAI.APIConnectionTimeoutError, String(error));
    await slot.a.left();
    assert.equal((await slot.b.log()).length, 0);
  },

  async abort(slot, scene) {
    await slot.c.faults({ ...STALL, next: 1 });
    const controller = new AbortController();
    const error = thrown(create(scene, slot.single, {}, { signal: controller.signal }));
    await slot.c.arrived();
    is(await thrown(create(scene, slot.single)), OpenAI.RateLimitError, 429);
    controller.abort();
    assert.ok((await error) instanceof OpenAI.APIUserAbortError, String(await error));
    await slot.c.left();
    await until(
      () =>
        create(scene, slot.single).then(
          () => true,
          () => false,
        ),
      "the only place to be free again",
    );
  },

  async abort_of_a_stream(slot, scene) {
    await slot.c.faults({ ...STALL_IN_STREAM, next: 1 });
    const controller = new AbortController();
    const stream = await create(scene, slot.single, { stream: true }, { signal: controller.signal });
    let text = "";
    for await (const chunk of stream) {
      text += delta(chunk) ?? "";
      if (text) controller.abort();
    }
    assert.ok(text && TEXT.startsWith(text) && text !== TEXT, text);
    await slot.c.left();
    await until(
      () =>
        create(scene, slot.single).then(
          () => true,
          () => false,
        ),
      "the only place to be free again",
    );
  },

  async break_out_of_a_stream(slot, scene) {
    await slot.a.faults(STALL_IN_STREAM);
    for await (const chunk of await create(scene, slot.chain, { stream: true })) {
      if (delta(chunk)) break;
    }
    await slot.a.left();
  },

  async no_retries(slot, scene) {
    await slot.a.faults({ fault: "status", status: 500, next: 1 });
    const counting = countingFetch();
    is(
      await thrown(client(scene, { fetch: counting }).chat.completions.create({ model: slot.solo, messages })),
      OpenAI.InternalServerError,
      502,
    );
    assert.deepEqual(counting.statuses, [502]);
  },

  async two_retries(slot, scene) {
    await slot.a.faults({ fault: "status", status: 500, next: 2 });
    const counting = countingFetch();
    const one = client(scene, { fetch: counting, maxRetries: 2 });
    assert.equal((await one.chat.completions.create({ model: slot.solo, messages })).choices[0].message.content, TEXT);
    assert.deepEqual(counting.statuses, [502, 502, 200]);
  },

  async retry_after_is_obeyed(slot, scene) {
    await slot.a.faults({ fault: "rate_limit", retry_after: "1s", next: 1 });
    const counting = countingFetch();
    const one = client(scene, { fetch: counting, maxRetries: 2 });
    assert.equal((await one.chat.completions.create({ model: slot.solo, messages })).choices[0].message.content, TEXT);
    assert.deepEqual(counting.statuses, [429, 200], "asked again too early");
  },

  async should_retry_is_obeyed(slot, scene) {
    await slot.a.faults({ fault: "rate_limit", retry_after: "300s" });
    const counting = countingFetch();
    const error = await thrown(
      client(scene, { fetch: counting, maxRetries: 2 }).chat.completions.create({ model: slot.solo, messages }),
    );
    is(error, OpenAI.RateLimitError, 429);
    assert.equal(error.headers.get("x-should-retry"), "false");
    assert.deepEqual(counting.statuses, [429], "asked again in vain");
  },
};
