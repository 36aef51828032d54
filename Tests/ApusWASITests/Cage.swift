import Foundation
import Synchronization

@testable import ApusWASI

/// A folder `root` that guests get, with a canary beside it that they must never reach.
final class Cage {
    let folder: TemporaryFolder
    let root: Int32
    private var untouched = FileStatus()

    init() throws {
        folder = try TemporaryFolder()
        try folder.makeFolder("outside")
        try folder.write("canary", to: "outside/canary")
        try folder.makeFolder("root/dir/nested")
        try folder.write("inside", to: "root/file")
        try folder.write("inside", to: "root/dir/nested/file")
        try folder.link("root/up", to: "../outside")
        try folder.link("root/up-file", to: "../outside/canary")
        try folder.link("root/absolute", to: folder.path + "outside/canary")
        try folder.link("root/dir/winding", to: "nested/../../../outside/canary")
        try folder.link("root/chain", to: "dir/../up")
        try folder.link("root/dangling-out", to: "../outside/new")
        try folder.link("root/loop", to: "loop")
        try folder.link("root/ping", to: "pong")
        try folder.link("root/pong", to: "ping")
        try folder.link("root/good", to: "dir/nested/../nested/file")
        try folder.link("root/good-dir", to: "./dir/")
        try folder.link("root/dangling", to: "nowhere")
        try folder.link("root/first", to: "second/nested")
        try folder.link("root/second", to: "dir")
        try folder.link("root/proc", to: "/proc/self/root")
        root = try Syscalls.openPreopen(Array((folder.path + "root").utf8))
        untouched = try canary()
    }

    deinit { Syscalls.close(root) }

    /// What is known of the canary.
    func canary() throws -> FileStatus {
        var status = try Syscalls.status(AT_FDCWD, Path(folder.path + "outside/canary"))
        // Looking at it changes this one.
        status.accessTime = 0
        return status
    }

    /// Whether the canary is as it was: contents, times, number of links; and alone.
    var isIntact: Bool {
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path + "outside")
        return names == ["canary"] && (try? canary()) == untouched
            && (try? folder.read("outside/canary")) == "canary"
    }

    /// How many descriptors of this process lead into the folder.
    var openDescriptors: Int {
        let manager = FileManager.default
        let all = (try? manager.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return all.count { number in
            let target = try? manager.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
            return target?.hasPrefix(folder.path.dropLast()) == true
        }
    }
}

/// A thread that swaps a folder "there" of a cage, which has a file "canary" of its own, for a link
/// to the outside and back, as fast as it can.
final class LinkSwapper: Sendable {
    private let isDone = Atomic(false)

    init(_ cage: Cage) throws {
        try cage.folder.makeFolder("root/there")
        try cage.folder.write("within", to: "root/there/canary")
        try cage.folder.write("", to: "root/there/own")
        try cage.folder.link("root/trap", to: "../outside")
        let base = cage.folder.path + "root/"
        Thread { [self] in
            while !isDone.load(ordering: .relaxed) {
                unsafe rename(base + "there", base + "aside")
                unsafe rename(base + "trap", base + "there")
                unsafe rename(base + "there", base + "trap")
                unsafe rename(base + "aside", base + "there")
            }
        }.start()
    }

    func stop() { isDone.store(true, ordering: .relaxed) }
}
