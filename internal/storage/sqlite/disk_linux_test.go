package sqlite_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

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
