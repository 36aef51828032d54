internal import Apus

/// What a program takes as a process of its own, from before `apus run` is there until it is gone.
struct ProcessBench {
    /// Of one run: with nothing compiled before, and with what an earlier run has kept.
    struct Sample {
        var cold: ChildProcess.Cost
        var cached: ChildProcess.Cost
    }

    /// What `apus run` is told, but for the cache.
    let arguments: [String]

    /// Runs it `count` times in each of the two ways. What is kept is in a folder of its own, which
    /// goes afterwards: the user's stays as it is.
    func measure(_ count: Int) throws -> [Sample] {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let cache = Variable(argument: "XDG_CACHE_HOME=" + folder.path).map { [$0] } ?? []
        _ = try ChildProcess.run(["run"] + arguments, with: cache)
        return try (0..<count).map { _ in
            Sample(
                cold: try ChildProcess.run(["run", "--no-cache"] + arguments),
                cached: try ChildProcess.run(["run"] + arguments, with: cache))
        }
    }
}
