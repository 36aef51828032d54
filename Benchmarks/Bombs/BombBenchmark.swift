import Apus
import Foundation

/// Whether the work and memory of compiling are bounded by a module's bytes: makes modules that
/// would cost too much of a careless compiler, doubles them, and looks at what that costs.
///
/// Each measurement is a process of its own, which says what it has taken of the processor and of
/// memory. A module that is refused with a limit's error counts as compiled: what counts is that
/// saying so takes no longer.
enum BombBenchmark {
    /// What each module is given to.
    enum Stage: String, CaseIterable {
        case validate, baseline, optimizing
    }

    /// What one process has seen.
    struct Figures {
        var bytes = 0
        var seconds = 0.0
        var peak = 0
        var outcome = ""
    }

    /// Doubling a module may take this much more time or memory.
    private static let growth = 2.5
    /// Less memory than this says nothing.
    private static let leastMemory = 24 << 20
    /// A module is doubled until it takes so many seconds.
    private static func leastSeconds(isSmall: Bool) -> Double { isSmall ? 0.01 : 0.1 }
    /// Larger modules are not made.
    private static func mostBytes(isSmall: Bool) -> Int { isSmall ? 1 << 20 : 8 << 20 }

    /// Runs all shapes whose names have `pattern` in them; false if one grew too fast.
    static func run(isSmall: Bool, only pattern: String?) throws -> Bool {
        say("shape, stage, bytes, ms, us/byte, MB, growth of time, of memory, outcome")
        var isGood = true
        for shape in HostileShapes.all where pattern.map(shape.name.contains) ?? true {
            for stage in Stage.allCases {
                if try !check(shape, stage, isSmall: isSmall) { isGood = false }
            }
        }
        say(isGood ? "all of them grow as their bytes do" : "some of them grow too fast")
        return isGood
    }

    /// What a process started by `measure` does.
    static func runOne(_ name: String, _ count: Int, _ stage: Stage) throws {
        guard let shape = HostileShapes.all.first(where: { $0.name == name }) else { return }
        let bytes = shape.make(count).bytes
        var figures = Figures(bytes: bytes.count, seconds: .infinity)
        var spent = 0.0
        for _ in 0..<5 where spent < 1 {
            let start = ProcessUsage.processorSeconds
            figures.outcome = try outcome(of: bytes, stage)
            let seconds = ProcessUsage.processorSeconds - start
            figures.seconds = min(figures.seconds, seconds)
            spent += seconds
        }
        print(figures.bytes, figures.seconds, ProcessUsage.peakBytes, figures.outcome)
    }

    private static func outcome(of bytes: [UInt8], _ stage: Stage) throws -> String {
        var configuration = Engine.Configuration()
        configuration.compilationThreads = 1
        configuration.compiler = stage == .baseline ? .baseline : .optimizing
        let engine = Engine(configuration)
        do {
            if stage == .validate {
                try Module.validate(engine, bytes: bytes)
            } else {
                _ = try Module(engine, bytes: bytes)
            }
            return "made"
        } catch let error as ModuleError where error.kind == .limit {
            return "refused"
        } catch let error as ResourceError where error.limit != nil {
            return "refused"
        }
    }

    private static func check(
        _ shape: HostileShapes.Shape, _ stage: Stage, isSmall: Bool
    ) throws -> Bool {
        var count = shape.start
        var before = try measure(shape, count, stage)
        var stride = 8
        while before.seconds < leastSeconds(isSmall: isSmall),
            before.bytes < mostBytes(isSmall: isSmall) / 2
        {
            if before.seconds > leastSeconds(isSmall: isSmall) / 10 { stride = 2 }
            let next = try measure(shape, count * stride, stage)
            // What is refused at once says nothing of what is made.
            if next.outcome != before.outcome || next.bytes == before.bytes {
                if stride == 2 { break }
                stride = 2
                continue
            }
            count *= stride
            before = next
        }
        var worst = Ratios(time: .infinity, memory: .infinity)
        var after = Figures()
        // The machine may have been busy with something else.
        for _ in 0..<3 where worst.areTooLarge {
            after = try measure(shape, count * 2, stage)
            worst.keepLeast(Ratios(from: before, to: after))
            if worst.areTooLarge { before = try measure(shape, count, stage) }
        }
        let isGood = !worst.areTooLarge
        let columns = [
            (isGood ? "  " : "! ") + shape.name, stage.rawValue, "\(after.bytes)",
            String(format: "%.1f", after.seconds * 1e3),
            String(format: "%.3f", after.seconds * 1e6 / Double(after.bytes)),
            "\(after.peak >> 20)", String(format: "%.2f", worst.time),
            String(format: "%.2f", worst.memory), after.outcome,
        ]
        say(columns.joined(separator: ", "))
        return isGood
    }

    /// How much more a module takes that has twice as much of what is hostile in it.
    private struct Ratios {
        var time: Double
        var memory: Double

        init(time: Double, memory: Double) {
            self.time = time
            self.memory = memory
        }

        init(from before: Figures, to after: Figures) {
            // A millisecond is what starting takes.
            time = (after.seconds + 0.001) / (before.seconds + 0.001)
            let least = BombBenchmark.leastMemory
            memory = Double(max(after.peak, least)) / Double(max(before.peak, least))
        }

        var areTooLarge: Bool { max(time, memory) > BombBenchmark.growth }

        mutating func keepLeast(_ other: Ratios) {
            time = min(time, other.time)
            memory = min(memory, other.memory)
        }
    }

    /// Prints a line at once, wherever it goes to.
    private static func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }

    private static func measure(
        _ shape: HostileShapes.Shape, _ count: Int, _ stage: Stage
    ) throws -> Figures {
        let process = Process()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["bomb", shape.name, "\(count)", stage.rawValue]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let words = String(decoding: output, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard process.terminationStatus == 0, words.count == 4, let bytes = Int(words[0]),
            let seconds = Double(words[1]), let peak = Int(words[2])
        else { throw BombError(shape: shape.name, count: count, stage: stage.rawValue) }
        return Figures(bytes: bytes, seconds: seconds, peak: peak, outcome: String(words[3]))
    }
}

/// A module that brought the process down, or was refused for another reason than a limit.
struct BombError: Error {
    var shape: String
    var count: Int
    var stage: String
}
