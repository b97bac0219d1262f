//go:build cgo

package tls

// keep puts a value into a map of at most so many. Any other goes for it: who uses that one has it, and who wants it next makes
// it again.
func keep[K comparable, V any](all *map[K]V, most int, key K, value V) {
	if *all == nil {
		*all = make(map[K]V)
	}
	for some := range *all {
		if len(*all) < most {
			break
		}
		delete(*all, some)
	}
	(*all)[key] = value
}
