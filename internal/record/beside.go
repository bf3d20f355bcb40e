package record

import (
	"sync"
	"sync/atomic"
)

// sideBySide does n things, up to width of them at once, begun in order. When one fails
// no other is begun; the error is the first in order. A panic is the caller's, as if
// it had done them itself: on a goroutine of its own it would end the process.
func sideBySide(n, width int, do func(i int) error) error {
	if n == 1 {
		return do(0)
	}
	errs, panics := make([]error, n), make([]any, n)
	var next atomic.Int64
	var failed atomic.Bool
	one := func(i int) {
		defer func() {
			panics[i] = recover()
			if panics[i] != nil || errs[i] != nil {
				failed.Store(true)
			}
		}()
		errs[i] = do(i)
	}
	var all sync.WaitGroup
	for range min(n, width) {
		all.Go(func() {
			for !failed.Load() {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				one(i)
			}
		})
	}
	all.Wait()
	for i := range n {
		if panics[i] != nil {
			panic(panics[i])
		}
		if errs[i] != nil {
			return errs[i]
		}
	}
	return nil
}
