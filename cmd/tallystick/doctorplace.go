package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// queues says how the functions' work is merged, where serve shows it.
func (d *doctor) queues(ctx context.Context) {
	const what = "queue"
	if d.options.debugURL == "" {
		return
	}
	cl, err := clientOptions{url: d.options.debugURL, key: "none"}.client()
	if err != nil {
		d.fail(what, err.Error(), "--debug-url is where serve --debug-addr is, such as http://127.0.0.1:6060.")
		return
	}
	a := (&doctor{client: cl}).ask(ctx, about("/debug/vars"))
	var figures map[string]struct{ Operations, Batches, Runs, Refused, Waiting int64 }
	if a.err == nil && a.refusal == nil {
		a.err = json.Unmarshal(a.body, &figures)
	}
	if a.err != nil || a.refusal != nil {
		d.fail(what, a.said(), "--debug-url is where serve --debug-addr is; with --processes there are no figures.")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(figures)) {
		s := figures[name]
		found := fmt.Sprintf("%s: %s in %s, %s waiting", name, counted(s.Operations, "operation"), counted(s.Batches, "transaction"), grouped(s.Waiting))
		if s.Refused > 0 {
			d.warn(what, fmt.Sprintf("%s, %s refused because too many waited", found, grouped(s.Refused)), "MERGE_QUEUE lets more wait; but the database takes no more than it does.")
			continue
		}
		if again := s.Runs - s.Batches; again > s.Batches/2 && s.Batches > 0 {
			d.warn(what, fmt.Sprintf("%s, of which %s were run again", found, grouped(again)), "Others write the same entities: more instances, or another program. SHARDS spreads pages.")
			continue
		}
		d.well(what, "%s", found)
	}
}

// Bounds of the file's place. The write-ahead log is some MiB, unless a reader that never
// ends keeps it from being taken in.
const (
	minFree = 100 << 20
	lowFree = 1 << 30
	maxWAL  = 256 << 20
)

// place looks at the database of the server, and at its file, where that is this machine's.
func (d *doctor) place(ctx context.Context) {
	const what = "file"
	store := d.options.store
	if store == "" && isThisMachine(d.client.base.Hostname()) {
		store = envOr("STORE", defaultStore)
		if wantFile(store) != nil {
			return // it runs in another folder
		}
	}
	path, ok := strings.CutPrefix(store, "sqlite:")
	switch {
	case store == "":
		return
	case strings.Contains(store, ":") && !ok:
		d.imported(ctx, store)
		return
	}
	// To open it writes nothing.
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		err = f.Close()
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.fail(what, err.Error(), "Say where it is with --store. serve makes it where there is none, so look for it where it ran before.")
		return
	case err != nil:
		d.fail(what, err.Error(), "It must be written by the user that serve runs as; run doctor as that one.")
		return
	}
	if os.Geteuid() == 0 {
		d.asRoot(path)
	} else {
		d.well(what, "%s can be written", path)
	}
	if info, err := os.Stat(path); err == nil && info.Size() > 0 { // else to open it would write it
		d.imported(ctx, "sqlite:"+path)
	}
	d.room(filepath.Dir(path))
	if wal, err := os.Stat(path + "-wal"); err == nil && wal.Size() > maxWAL {
		d.warn(what, fmt.Sprintf("%s-wal has %d MiB", path, wal.Size()>>20), "Something reads the file without end, such as a shell of sqlite3 or a backup: close it.")
	}
}

// asRoot looks at whose the file is, for root can write it whoever may. The folder is taken to be
// that of the user of serve.
func (d *doctor) asRoot(path string) {
	const what = "file"
	file, err := os.Stat(path)
	folder, wrong := os.Stat(filepath.Dir(path))
	if err := cmp.Or(err, wrong); err != nil {
		d.fail(what, err.Error(), "It was there a moment ago: ask again.")
		return
	}
	owner, known := ownerOf(file)
	wanted, _ := ownerOf(folder)
	switch {
	case known && owner != wanted:
		d.warn(what, fmt.Sprintf("%s belongs to user %d and its folder to user %d: serve may not be able to write it", path, owner, wanted),
			"Give it, and the files with -wal and -shm behind its name, to the user of serve by chown. A serve that once ran as root makes such files.")
	case file.Mode().Perm()&0o200 == 0:
		d.warn(what, path+" may not be written by its owner", "Let the owner write it: chmod u+w "+path)
	default:
		d.well(what, "%s can be written; this was asked as root, who always can: run doctor as the user of serve to be sure", path)
	}
}

func (d *doctor) room(folder string) {
	const what = "disk"
	free, known := freeBytes(folder)
	found := fmt.Sprintf("%s MiB are free in %s", grouped(free>>20), folder)
	const mend = "Make room: when the disk is full nothing is counted or sold (503), and nothing is lost."
	switch {
	case !known:
	case free < minFree:
		d.fail(what, found, mend)
	case free < lowFree:
		d.warn(what, found, mend)
	default:
		d.well(what, "%s", found)
	}
}
