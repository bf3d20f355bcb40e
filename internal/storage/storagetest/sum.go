package storagetest

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/tallystick/tallystick/internal/storage"
)

const (
	transferWriters = 4
	snapshotReaders = 2
)

// account is an entity of at least size bytes with an amount.
func (f *fixture) account(i, size, amount int) storage.Entity {
	return f.entity(strconv.Itoa(i), fmt.Sprintf("%-*d", size, amount))
}

// wantConstantSum moves amounts between the accounts, meanwhile reads all of them at
// once again and again, and fails unless their sum is always the same.
func (f *fixture) wantConstantSum(accounts, size, transfers int) {
	f.Helper()
	keys := make([]storage.Key, accounts)
	for i := range keys {
		e := f.account(i, size, 0)
		f.put(e)
		keys[i] = e.Key
	}
	var writing atomic.Int32
	writing.Store(transferWriters)
	f.concurrently(transferWriters+snapshotReaders, func(i int) error {
		if i < transferWriters {
			defer writing.Add(-1)
			return f.transfer(i, accounts/transferWriters, size, transfers)
		}
		for last := false; !last; {
			last = writing.Load() == 0
			if err := f.checkSum(keys); err != nil {
				return err
			}
		}
		return nil
	})
}

// transfer moves amounts between accounts that are the writer's own. It knows what is
// in them, so it reads nothing and waits for no other writer: there are many transfers
// in a short time, of which some are halfway when a reader looks.
func (f *fixture) transfer(writer, own, size, times int) error {
	amounts := make([]int, own)
	for n := range times {
		from, to := n%own, (n+1)%own
		amounts[from] -= n + 1
		amounts[to] += n + 1
		err := f.tryPut(
			f.account(writer+from*transferWriters, size, amounts[from]),
			f.account(writer+to*transferWriters, size, amounts[to]),
		)
		if err != nil {
			return fmt.Errorf("transfer: %w", err)
		}
	}
	return nil
}

func (f *fixture) checkSum(keys []storage.Key) error {
	got, err := f.store.Get(f.ctx, keys...)
	if err != nil {
		return err
	}
	sum := 0
	amounts := make([]int, len(got))
	for i, e := range got {
		if amounts[i], err = strconv.Atoi(strings.TrimSpace(string(e.Data))); err != nil {
			return fmt.Errorf("%s: %w", e.Key, err)
		}
		sum += amounts[i]
	}
	if sum != 0 {
		return fmt.Errorf("got amounts %v, their sum is %d, want 0", amounts, sum)
	}
	return nil
}
