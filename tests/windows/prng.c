/* bcryptprimitives.dll with its one function that Rust's standard library calls: older wine has no
 * such library, and no program starts without it. The numbers come from advapi32. */
#include <windows.h>

/* RtlGenRandom: fills `size` bytes at `place`, false where it has none. */
BOOLEAN NTAPI SystemFunction036(PVOID place, ULONG size);

#define MOST_AT_ONCE 0x10000000

__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *place, SIZE_T size)
{
    while (size > 0) {
        ULONG part = size < MOST_AT_ONCE ? (ULONG)size : MOST_AT_ONCE;
        if (!SystemFunction036(place, part))
            return FALSE;
        place += part;
        size -= part;
    }
    return TRUE;
}
