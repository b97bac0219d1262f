//go:build linux

// Package malloc tells tests how much C and Rust have from glibc's malloc. Tests cannot have cgo of their own.
package malloc

// #include <malloc.h>
// static long long in_use(void)
// {
// 	struct mallinfo2 info = mallinfo2();
// 	return (long long)(info.uordblks + info.hblkhd);
// }
import "C"

// InUse is what is allocated and not freed, in bytes.
func InUse() int64 { return int64(C.in_use()) }
