internal import CApusHost

/// Files of procfs, through which the kernel shows processes, the one that Apus runs in among them:
/// who writes to its memory through `/proc/self/mem` is in no sandbox any more, and its environment
/// was granted to nobody.
enum ProcessFiles {
    /// Refuses a file that was opened for a guest if it lies in the folder of a process, or is in
    /// procfs and to be written. Folders may be looked at.
    ///
    /// - Throws: `acces`.
    static func check(_ descriptor: Int32, writes: Bool) throws(Errno) {
        #if os(Linux)
            let kind = apus_process_file(descriptor)
            if kind == 0 { return }
            if writes { throw .acces }
            if kind > 1, try Syscalls.status(descriptor).type != .directory { throw .acces }
        #endif
    }

    /// Refuses to say where a link leads that is in the folder of a process: what it runs, and what
    /// it has open, lies outside of all that a guest was given.
    ///
    /// - Throws: `acces`.
    static func checkLink(in directory: Int32) throws(Errno) {
        #if os(Linux)
            if apus_process_file(directory) > 1 { throw .acces }
        #endif
    }
}
