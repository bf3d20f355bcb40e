package storage

import "context"

func (s *store) Snapshot(ctx context.Context) (Snapshot, error) {
	taken, err := s.driver.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return &snapshot{driver: taken}, nil
}

// snapshot keeps Snapshot's rules.
type snapshot struct {
	driver DriverSnapshot
	closed bool
}

func (s *snapshot) Query(ctx context.Context, q Query) (Page, error) {
	if s.closed {
		return Page{}, invalid("Query of a snapshot that is closed")
	}
	return query(ctx, s.driver.Query, q)
}

func (s *snapshot) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	return s.driver.Close()
}
