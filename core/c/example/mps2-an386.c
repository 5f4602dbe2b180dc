/* Start and console on QEMU's mps2-an386: a Cortex-M4 with floating-point unit, watched over semihosting. */
#include "console.h"

#include <stdint.h>

extern uint32_t bss_start[], bss_end[], stack_top[];

int main(void);

static uint32_t semihosting(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void console_write(const char *text)
{
    /* The standard output of whoever runs the board, opened to write. */
    static uint32_t console;
    if (console == 0) {
        const struct {
            const char *name;
            uint32_t mode, length;
        } open = {":tt", 4, 3};
        console = semihosting(0x01, &open);
    }
    uint32_t length = 0;
    while (text[length] != 0)
        length++;
    const struct {
        uint32_t file;
        const char *text;
        uint32_t length;
    } write = {console, text, length};
    semihosting(0x05, &write);
}

static _Noreturn void leave(uint32_t status)
{
    const uint32_t reason[2] = {0x20026, status};
    semihosting(0x20, reason);
    for (;;) {
    }
}

static _Noreturn void fault(void)
{
    console_write("error: fault\n");
    leave(102);
}

_Noreturn void reset(void);

_Noreturn void reset(void)
{
    /* The floating-point unit is off after a reset. */
    *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20;
    __asm__ volatile("dsb\n isb");
    /* volatile, so that no call of memset is made of it. */
    for (volatile uint32_t *word = bss_start; word < bss_end; word++)
        *word = 0;
    leave((uint32_t)main());
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    stack_top, (const void *)reset, (const void *)fault, (const void *)fault, (const void *)fault, (const void *)fault,
};
