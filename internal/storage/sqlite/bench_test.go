package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

// BenchmarkUpdate is the read-modify-write of one hot key by so many callers at
// once. Beside it, in the same run, BenchmarkDisk is the floor: what one durable
// write of 4 KiB costs.
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
	s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
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

// BenchmarkDisk appends 4 KiB and flushes them, or writes them over and over.
func BenchmarkDisk(b *testing.B) {
	for _, way := range []string{"append", "over"} {
		b.Run(way, func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "disk"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			block := make([]byte, 4<<10)
			at := int64(0)
			for b.Loop() {
				if _, err := f.WriteAt(block, at); err != nil {
					b.Fatal(err)
				}
				if err := syscall.Fdatasync(int(f.Fd())); err != nil {
					b.Fatal(err)
				}
				if way == "append" {
					at += int64(len(block))
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "flushes/s")
		})
	}
}
