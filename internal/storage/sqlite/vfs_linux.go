package sqlite

import (
	"fmt"
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// SQLite flushes with fdatasync where it is built for Linux, but the translation
// to Go that we link calls fsync. That waits for the file system's journal as well,
// because a write also changes the file's time, and takes twice as long. So a
// layer over SQLite's own VFS puts fdatasync back. What it flushes is what the
// standard build flushes: the data, and the size of the file when that changed.

// vfsName is the layer's name in a connection's parameters.
const vfsName = "tallystick-fdatasync"

// vfs registers the layer, once.
var vfs = sync.OnceValues(func() (string, error) {
	tls := libc.NewTLS()
	defer tls.Close()
	standard := sqlite3.Xsqlite3_vfs_find(tls, 0)
	name, err := libc.CString(vfsName)
	if err != nil || standard == 0 {
		return "", fmt.Errorf("no file system layer to build on: %w", err)
	}
	layer := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_vfs{}))) // for the life of the process
	if layer == 0 {
		return "", fmt.Errorf("out of memory")
	}
	*at[sqlite3.Tsqlite3_vfs](layer) = *at[sqlite3.Tsqlite3_vfs](standard)
	v := at[sqlite3.Tsqlite3_vfs](layer)
	v.FzName = name
	standardOpen = v.FxOpen
	v.FxOpen = address(openFile)
	if code := sqlite3.Xsqlite3_vfs_register(tls, layer, 0); code != sqlite3.SQLITE_OK {
		return "", fmt.Errorf("file system layer refused: SQLite's code %d", code)
	}
	return vfsName, nil
})

type (
	openFunc func(tls *libc.TLS, vfs, path, file uintptr, flags int32, outFlags uintptr) int32
	syncFunc func(tls *libc.TLS, file uintptr, flags int32) int32
)

var (
	standardOpen uintptr // openFunc
	standardSync uintptr // syncFunc; the same for every kind of file

	// methods holds, for each set of methods that SQLite gives a file, a copy with
	// syncFile in it.
	methodsMu sync.Mutex
	methods   = make(map[uintptr]uintptr)
)

// openFile opens as SQLite does and gives the file our methods.
func openFile(tls *libc.TLS, vfs, path, file uintptr, flags int32, outFlags uintptr) int32 {
	code := function[openFunc](standardOpen)(tls, vfs, path, file, flags, outFlags)
	f := at[sqlite3.Tsqlite3_file](file)
	if code != sqlite3.SQLITE_OK || f.FpMethods == 0 {
		return code
	}
	methodsMu.Lock()
	defer methodsMu.Unlock()
	ours, known := methods[f.FpMethods]
	if !known {
		if ours = libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_io_methods{}))); ours == 0 {
			return code // its own methods will do
		}
		m := at[sqlite3.Tsqlite3_io_methods](ours)
		*m = *at[sqlite3.Tsqlite3_io_methods](f.FpMethods)
		standardSync = m.FxSync
		m.FxSync = address(syncFile)
		methods[f.FpMethods] = ours
	}
	f.FpMethods = ours
	return code
}

// syncFile flushes a file. A new file's folder has to be flushed with it, once,
// which SQLite does itself. After an error nothing is tried again: a second flush
// would succeed although the first has lost what it was to write.
func syncFile(tls *libc.TLS, file uintptr, flags int32) int32 {
	f := at[sqlite3.TunixFile](file)
	if f.FctrlFlags&sqlite3.UNIXFILE_DIRSYNC != 0 {
		return function[syncFunc](standardSync)(tls, file, flags)
	}
	if libc.Xfdatasync(tls, f.Fh) != 0 {
		return sqlite3.SQLITE_IOERR_FSYNC
	}
	return sqlite3.SQLITE_OK
}

// at is the value at an address of C memory, which Go does not move.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// address is what the translated code calls a Go function by, and function is back
// from there: both are what a variable of a function's type holds.
func address[F any](f F) uintptr  { return *(*uintptr)(unsafe.Pointer(&f)) }
func function[F any](a uintptr) F { return *(*F)(unsafe.Pointer(&a)) }
