/* Where the example's line goes: each machine brings its own. */
#ifndef CONSOLE_H
#define CONSOLE_H

void console_write(const char *text);

#endif
