//! The program from end to end: one test per promise about its command line, its output and bad input.

mod bench;
mod command_line;
mod compare;
mod data_fetch;
mod data_prepare;
mod data_stats;
mod devices;
mod lightgcn;
mod mini_experiment;
mod output_files;
mod published;
mod report;
mod resume;
mod run;
mod sizes;
mod storage;
mod support;
mod tables;
mod total;
