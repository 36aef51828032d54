internal import ApusABI
internal import ApusCollections
internal import ApusDWARF
internal import ApusLocks
internal import ApusRuntime
internal import CApusHost

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The file that `perf inject --jit` makes object files of: code with its names and lines, one for
/// the process. Its format is perf's “jitdump”, version 1.
final class JitDump: Sendable {
    static let shared = JitDump()

    private struct State {
        var file: ToolFile?
        var nextIndex: UInt64 = 0
    }

    private enum Record {
        static let load: UInt32 = 0
        static let lines: UInt32 = 2
    }

    private let state = SystemMutex(State())

    /// Adds the functions of `code`, which is what `image` has of `module`.
    func add(_ code: NativeCode, _ image: CodeImage, of module: LoadedModule) {
        let codeStart = module.module.codeSectionStart ?? 0
        // This may ask the embedder, whose code is not to be called with a lock.
        let sources = module.sourceIndex
        state.withLock { state in
            if state.file == nil { state.file = Self.open() }
            for function in code.functions {
                var record = Bytes()
                Self.addLines(of: function, sources, codeStart, to: &record)
                Self.addCode(of: function, image, state.nextIndex, to: &record)
                state.nextIndex += 1
                state.file?.write(record.bytes)
            }
        }
    }

    private static func open() -> ToolFile {
        let file = ToolFile("jit-\(getpid()).dump")
        var header = Bytes()
        header.word(0x4A69_5444)
        header.word(1)
        header.word(40)
        let machine: UInt32 = 62
        header.word(machine)
        header.word(0)
        header.word(UInt32(bitPattern: getpid()))
        header.long(apus_monotonic_time())
        header.long(0)
        file.write(header.bytes)
        _ = apus_jitdump_mark(file.descriptor)
        return file
    }

    /// Each line has the whole name of its file, which is as long as the module likes: so many
    /// bytes of lines there are for each byte of code, and some.
    private static var mostLinesPerByte: Int { 64 }
    private static var mostLinesOfSmall: Int { 4096 }

    /// Lines come before the code that they are of.
    private static func addLines(
        of function: NativeFunction, _ sources: SourceIndex?, _ codeStart: Int,
        to record: inout Bytes
    ) {
        guard let sources, !function.places.isEmpty else { return }
        let body = function.body
        var budget = WorkBudget.lookup
        let lines = sources.lines(
            in: Int(body.lowerBound) + codeStart..<Int(body.upperBound) + codeStart, &budget)
        let limit = Int(function.byteCount) * mostLinesPerByte + mostLinesOfSmall
        var entries = Bytes()
        var count: UInt64 = 0
        var last: (file: Int, line: Int)?
        for place in function.places {
            let offset = Int(place.offset) + codeStart
            let found = lines.rows.partitioningIndex { $0.offset > offset } - 1
            guard found >= 0 else { continue }
            let row = lines.rows[found]
            if let last, last == (row.file, row.line) { continue }
            last = (row.file, row.line)
            let name = lines.files[row.file]
            if entries.bytes.count + 16 + name.utf8.count >= limit { break }
            entries.long(place.address)
            entries.word(UInt32(clamping: row.line))
            entries.word(0)
            entries.text(name)
            count += 1
        }
        if count == 0 { return }
        begin(Record.lines, byteCount: 16 + 16 + entries.bytes.count, &record)
        record.long(function.start)
        record.long(count)
        record.bytes += entries.bytes
    }

    private static func addCode(
        of function: NativeFunction, _ image: CodeImage, _ index: UInt64,
        to record: inout Bytes
    ) {
        let offset = Int(function.start - UInt64(image.base))
        let code = image.code(at: offset..<offset + Int(function.byteCount))
        let name = Array(function.name.utf8) + [0]
        begin(Record.load, byteCount: 16 + 40 + name.count + code.count, &record)
        record.word(UInt32(bitPattern: getpid()))
        record.word(UInt32(bitPattern: apus_thread_number()))
        record.long(function.start)
        record.long(function.start)
        record.long(UInt64(code.count))
        record.long(index)
        record.bytes += name
        record.bytes += code
    }

    private static func begin(_ kind: UInt32, byteCount: Int, _ record: inout Bytes) {
        record.word(kind)
        record.word(UInt32(byteCount))
        record.long(apus_monotonic_time())
    }

    /// A record in the making.
    private struct Bytes {
        var bytes: [UInt8] = []

        mutating func word(_ value: UInt32) {
            for place in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * place))) }
        }

        mutating func long(_ value: UInt64) {
            word(UInt32(truncatingIfNeeded: value))
            word(UInt32(truncatingIfNeeded: value >> 32))
        }

        mutating func text(_ text: String) { bytes += Array(text.utf8.filter { $0 != 0 }) + [0] }
    }
}
