// Preloaded into a program: its wall clock is off by as many seconds as the first 8 bytes of the file $STEPPED_BY say.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static const volatile int64_t* seconds;
static int (*real)(clockid_t, struct timespec*);

__attribute__((constructor)) static void begin(void) {
  const char* file = getenv("STEPPED_BY");
  const int descriptor = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
  void* mapped = descriptor < 0 ? MAP_FAILED : mmap(NULL, sizeof *seconds, PROT_READ, MAP_SHARED, descriptor, 0);
  if (mapped != MAP_FAILED) seconds = mapped;
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  if (!real) real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  const int result = real(clock, time);
  if (result == 0 && clock == CLOCK_REALTIME && seconds) time->tv_sec += *seconds;
  return result;
}
