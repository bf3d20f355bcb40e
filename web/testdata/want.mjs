export function equal(what, got, want) {
    if (JSON.stringify(got) !== JSON.stringify(want)) {
        throw new Error(`${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
    }
}

/** failure is what a promise rejects with. */
export function failure(promise) {
    return promise.then(value => { throw new Error(`got ${JSON.stringify(value)}, want a failure`); }, error => error);
}
