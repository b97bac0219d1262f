package main

// Threads that work alone and at once, as worker/at_once.c has them: in rounds of windows, of which those count that all
// threads began at one time, and in which they had their cores to themselves. A goroutine that is tied to a thread would switch between the
// two ends of a handshake by way of the kernel, so none is, and the time is that of the process: what the runtime does
// beside is Go's own.

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	windowTime      = 3 * time.Millisecond
	together        = 100 * time.Microsecond
	partOfProcessor = 0.98
	readingTime     = 20 * time.Microsecond
	pause           = 500 * time.Microsecond
	mostThreads     = 16
)

type window struct {
	begun time.Time
	took  time.Duration
	// What the process had of processors at its beginning and at its end.
	before, after time.Duration
	units         int
}

type coreSet [16]uint64

func coresGiven(most int) (cores []int) {
	var set coreSet
	_, _, err := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0, unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set)))
	if err != 0 {
		fail("the cores of this process cannot be told: %v", err)
	}
	for core := 0; core < 64*len(set) && len(cores) < most; core++ {
		if set[core/64]>>(core%64)&1 != 0 {
			cores = append(cores, core)
		}
	}
	return cores
}

// processTime is what this process had of processors.
func processTime() time.Duration {
	const clockProcessCPU = 2
	var spec syscall.Timespec
	if _, _, err := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockProcessCPU, uintptr(unsafe.Pointer(&spec)), 0); err != 0 {
		fail("the clock cannot be read: %v", err)
	}
	return time.Duration(spec.Nano())
}

// meeting is a barrier. Who is early spins: a goroutine that sleeps wakes up too late for the window. After a while it
// sleeps all the same, for the other one may need this core.
type meeting struct {
	number  int64
	arrived atomic.Int64
}

func (m *meeting) wait(round int) {
	m.arrived.Add(1)
	for spins := 0; m.arrived.Load() < m.number*int64(round+1); spins++ {
		if spins > 5_000_000 {
			time.Sleep(10 * time.Microsecond)
		}
	}
}

func look(unit func(), atATime int) window {
	w := window{before: processTime(), begun: time.Now()}
	for w.took < windowTime {
		for range atATime {
			unit()
		}
		w.units += atATime
		w.took = time.Since(w.begun)
	}
	w.after = processTime()
	return w
}

// rate is how many units were done in a nanosecond in windows that began together; 0 if they do not count.
func rate(windows ...window) float64 {
	first, perNs := windows[0], 0.0
	before, after, took := first.before, first.after, time.Duration(0)
	for _, w := range windows {
		if w.begun.Sub(first.begun).Abs() > together {
			return 0
		}
		before, after, took = min(before, w.before), max(after, w.after), took+w.took
		perNs += float64(w.units) / float64(w.took)
	}
	if float64(after-before) < partOfProcessor*float64(took) {
		return 0
	}
	return perNs
}

// round is what the threads did one after the other, and then at once.
type round struct {
	alone, atOnce []window
}

// rates are those of a thread alone, and of all together; 0 if the round does not count.
func (r *round) rates() (alone, atOnce float64) {
	for _, w := range r.alone {
		own := rate(w)
		if own == 0 {
			return 0, 0
		}
		alone += own / float64(len(r.alone))
	}
	if atOnce = rate(r.atOnce...); atOnce == 0 {
		return 0, 0
	}
	return alone, atOnce
}

// atOnce runs units on threads; begin gives each thread its own, and what is to be done at its end.
func atOnce(number, rounds int, begin func() (unit, end func())) {
	if number < 1 || number > mostThreads || rounds < 1 {
		fail("%d threads, %d rounds", number, rounds)
	}
	cores := coresGiven(number)
	if len(cores) < number {
		fmt.Printf("{\"cores\": %d, \"rounds\": %d, \"quiet\": 0}\n", len(cores), rounds)
		return
	}
	runtime.GOMAXPROCS(number)
	defer runtime.GOMAXPROCS(1)
	seen := make([]round, rounds)
	for i := range seen {
		seen[i] = round{make([]window, number), make([]window, number)}
	}
	meet := &meeting{number: int64(number)}
	var ended sync.WaitGroup
	for i := range number {
		ended.Add(1)
		go func() {
			defer ended.Done()
			unit, end := begin()
			begun := time.Now()
			for range 8 {
				unit()
			}
			atATime := max(1, int(readingTime*8/max(1, time.Since(begun))))
			for turn := range rounds * (number + 1) {
				time.Sleep(pause)
				meet.wait(turn)
				switch r := &seen[turn/(number+1)]; turn % (number + 1) {
				case number:
					r.atOnce[i] = look(unit, atATime)
				case i:
					r.alone[i] = look(unit, atATime)
				default:
					time.Sleep(windowTime)
				}
			}
			end()
		}()
	}
	ended.Wait()
	var times, gains []float64
	for i := range seen {
		if alone, all := seen[i].rates(); alone > 0 {
			times, gains = append(times, 1/alone), append(gains, all/alone)
		}
	}
	slices.Sort(times)
	slices.Sort(gains)
	medians := ""
	if len(times) > 0 {
		medians = fmt.Sprintf(", \"ns\": %.2f, \"gain\": %.4f", times[len(times)/2], gains[len(gains)/2])
	}
	fmt.Printf("{\"cores\": %d, \"rounds\": %d, \"quiet\": %d%s}\n", len(cores), rounds, len(times), medians)
}

func threads(length, number, rounds int) {
	atOnce(number, rounds, func() (unit, end func()) {
		d := newDesk()
		p := connect(d)
		for range compared {
			move(p.client, p.server, length, d, true)
		}
		return func() { move(p.client, p.server, length, d, false) }, func() { move(p.client, p.server, length, d, true) }
	})
}

func handshakeThreads(number, rounds int) {
	var all, resumed atomic.Int64
	atOnce(number, rounds, func() (unit, end func()) {
		d := newDesk()
		next := func() {
			p := open(d)
			if resume {
				move(p.server, p.client, 1, d, true)
			}
			all.Add(1)
			if p.client.ConnectionState().DidResume {
				resumed.Add(1)
			}
		}
		// The first one has nothing to resume.
		p := connect(d)
		if resume {
			move(p.server, p.client, 1, d, true)
		}
		return next, func() {}
	})
	// Threads take sessions out of one cache, and may find none.
	if resume != (10*resumed.Load() > 9*all.Load()) {
		fail("%d of %d handshakes were resumed", resumed.Load(), all.Load())
	}
}
