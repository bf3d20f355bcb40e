package sqlite_test

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/tallystick/tallystick/internal/storage"
)

// BenchmarkUpdate is the read-modify-write of one hot key by so many callers at
// once. BenchmarkDisk, in the same run, is the floor: what one durable write of
// 4 KiB costs.
func BenchmarkUpdate(b *testing.B) {
	for _, size := range []int{300, 16 << 10} {
		for _, callers := range []int{1, 64, 1000} {
			b.Run(fmt.Sprintf("bytes=%d/callers=%d", size, callers), func(b *testing.B) {
				benchmarkUpdate(b, size, callers)
			})
		}
	}
}

func benchmarkUpdate(b *testing.B, size, callers int) {
	s := open(b, filepath.Join(b.TempDir(), "bench.db"))
	key := storage.Key{Kind: "Page", Name: "/"}
	update := func() error {
		return s.Update(b.Context(), func(tx storage.Tx) error {
			got, err := tx.Get(key)
			if err != nil {
				return err
			}
			data := got[0].Data
			if len(data) != size {
				data = make([]byte, size)
			}
			data[0]++
			return tx.Put(storage.Entity{Key: key, Data: data})
		})
	}
	if err := update(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var left atomic.Int64
	left.Store(int64(b.N))
	done := make(chan error)
	for range callers {
		go func() {
			for left.Add(-1) >= 0 {
				if err := update(); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range callers {
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
}
