// Package bench holds the comparisons whose figures are in docs/benchmarks.md. Each
// is one command, such as
//
//	go test -run '^$' -bench Visits -benchtime 1x -timeout 30m ./bench
//
// and run.sh is all of them. Machines differ and are noisy: what is compared runs
// in turn, round by round, and the median of the rounds' ratios is what counts.
package bench
