package visit

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"net/netip"
	"sync"
	"time"

	"github.com/mileusna/useragent"

	"github.com/tallystick/tallystick/internal/storage"
)

// Visitor is what a request says of who sent it. None of it is stored.
type Visitor struct {
	Addr      netip.Addr
	UserAgent string
	Private   bool // asked not to be tracked (DNT: 1 or Sec-GPC: 1): counted, not told apart
	Prefetch  bool // its browser fetched ahead of a visit that may never come
}

// Reason is why a visit was not counted; empty when it was.
type Reason string

const (
	Bot      Reason = "bot"
	Prefetch Reason = "prefetch"
	Spam     Reason = "spam" // it came to be seen among the referrers
)

// bots tells bots by their user agents. It remembers its verdicts, for to parse one
// takes as long as all else that a visit needs; after verdictsSize it starts anew.
// Longer ones than verdictBytes, as no browser has, are not worth their room.
type bots struct {
	mu       sync.RWMutex
	verdicts map[string]bool
}

const (
	verdictsSize = 1000
	verdictBytes = 1024
)

func (b *bots) is(userAgent string) bool {
	b.mu.RLock()
	bot, known := b.verdicts[userAgent]
	b.mu.RUnlock()
	if known {
		return bot
	}
	bot = useragent.Parse(userAgent).Bot
	if len(userAgent) > verdictBytes {
		return bot
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.verdicts == nil || len(b.verdicts) >= verdictsSize {
		b.verdicts = make(map[string]bool)
	}
	b.verdicts[userAgent] = bot
	return bot
}

// refusal says why a visit is not counted, if it is not.
func (s *Service) refusal(r Request) Reason {
	switch {
	case r.Visitor.Prefetch:
		return Prefetch
	case s.bots.is(r.Visitor.UserAgent):
		return Bot
	case r.Referral.isSpam():
		return Spam
	}
	return ""
}

const (
	saltKind = "Salt"
	saltLife = 48 * time.Hour // from the start of its day, on which alone it is used
)

// salts hands out the day's salt: random, shared by all instances through the
// store, and removed from there after saltLife. Without it nobody can tell which
// address made a mark in a sketch.
type salts struct {
	store   storage.Store
	loading chan struct{} // holds one

	mu   sync.Mutex
	day  Day
	keys *sync.Pool // of hash.Hash, keyed with the day's salt
}

// visitor returns the hash by which a visitor is told from others on one day:
// HMAC-SHA-256 over address and user agent, keyed with the day's salt, cut to 64
// bits. Of an IPv6 address the first 64 bits count, for a person's devices choose
// the others at will. It is never zero.
func (s *salts) visitor(ctx context.Context, day Day, v Visitor) (uint64, error) {
	keys, err := s.of(ctx, day)
	if err != nil {
		return 0, err
	}
	addr := v.Addr.Unmap()
	if addr.Is6() {
		addr = netip.PrefixFrom(addr, 64).Masked().Addr()
	}
	mac := keys.Get().(hash.Hash)
	defer keys.Put(mac)
	mac.Reset()
	ip := addr.As16()
	mac.Write(ip[:])
	mac.Write([]byte(v.UserAgent))
	var sum [sha256.Size]byte
	return max(1, binary.BigEndian.Uint64(mac.Sum(sum[:0]))), nil
}

func (s *salts) of(ctx context.Context, day Day) (*sync.Pool, error) {
	if keys := s.known(day); keys != nil {
		return keys, nil
	}
	select { // one loads for all, and each waits as long as its context lets it
	case s.loading <- struct{}{}:
		defer func() { <-s.loading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if keys := s.known(day); keys != nil {
		return keys, nil
	}
	salt, err := s.load(ctx, day)
	if err != nil {
		return nil, fmt.Errorf("visit: salt of %v: %w", day, err)
	}
	return s.learn(day, salt), nil
}

func (s *salts) learn(day Day, salt []byte) *sync.Pool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.day = day
	s.keys = &sync.Pool{New: func() any { return hmac.New(sha256.New, salt) }}
	return s.keys
}

// known returns the keyed hashes of the day whose salt is loaded; of another, nil.
func (s *salts) known(day Day) *sync.Pool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.day != day {
		return nil
	}
	return s.keys
}

// load reads the day's salt, or makes it, and then removes the outdated ones.
func (s *salts) load(ctx context.Context, day Day) ([]byte, error) {
	key := storage.Key{Kind: saltKind, Name: day.String()}
	got, err := s.store.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	if got[0].Exists {
		return got[0].Data, nil
	}
	all, err := s.store.Query(ctx, storage.Query{Kind: saltKind, Limit: storage.MaxQueryLimit, KeysOnly: true})
	if err != nil {
		return nil, err
	}
	fresh := make([]byte, sha256.Size)
	rand.Read(fresh)
	var salt []byte
	err = s.store.Update(ctx, func(tx storage.Tx) error {
		got, err := tx.Get(key)
		if err != nil {
			return err
		}
		if salt = got[0].Data; got[0].Exists {
			return nil
		}
		salt = fresh
		for _, e := range all.Entities {
			if d, err := ParseDay(e.Key.Name); err != nil || d < day-1 {
				if err := tx.Delete(e.Key); err != nil {
					return err
				}
			}
		}
		return tx.Put(storage.Entity{Key: key, Data: fresh, Expire: day.Start().Add(saltLife)})
	})
	return salt, err
}
