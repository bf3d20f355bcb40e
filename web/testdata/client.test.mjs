import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as client from '../tallystick.js';
import { real } from './real.mjs';
import { retries } from './retries.mjs';
import { equal } from './want.mjs';

const { GATEWAY: url, LOSSY: lossy, KEY: key, AGENT: agent } = process.env;

// Node's own name is a bot's.
const asBrowser = (address, init) => {
    init.headers.set('User-Agent', agent);
    return fetch(address, init);
};

test('every method, and lost replies', () => real({ ...client, url, lossy, key, fetch: asBrowser }));
test('retries', () => retries(client));

test('tallystick.d.ts has the methods that there are', () => {
    const typed = {};
    for (const [, group, method] of readFileSync(new URL('../tallystick.d.ts', import.meta.url), 'utf8')
        .matchAll(/^    readonly (\w+): \{$|^        (\w+)\(/gm)) {
        if (group) typed[group] = [];
        else if (!Object.values(typed).at(-1).includes(method)) Object.values(typed).at(-1).push(method);
    }
    const made = Object.entries(new client.Tallystick('')).map(([group, methods]) => [group, Object.keys(methods)]);
    equal('methods', made, Object.entries(typed));
});
