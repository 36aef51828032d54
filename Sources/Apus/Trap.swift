public import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusRuntime

/// Why a guest stopped, and where it was.
///
/// A host function may throw one itself to stop the guest with a code of its choice. It comes to
/// the caller with the backtrace of the guests that it has left.
public struct Trap: Error, Sendable {
    /// What happened; its description is the specification's text.
    public var code: TrapCode
    /// More about it, if there is more to say: which limit was reached, for example.
    public var message: String?
    /// Why the guest was stopped from outside, if its code is `interrupted`.
    public var interruption: Interruption?
    /// The guest's functions that were running, innermost first.
    public var backtrace: [Frame]
    /// Whether there were more frames than `backtrace` has.
    public var isTruncated = false
    /// The number of the last store whose guests are in `backtrace`, which may have gone.
    private var origin: UInt64?

    /// A trap for a host function to throw.
    public init(_ code: TrapCode, _ message: String? = nil) {
        self.code = code
        self.message = message
        backtrace = []
    }

    /// What the runtime tells of a trap.
    init(_ trap: WasmTrap, in store: RuntimeStore) {
        origin = store.number
        code = trap.code
        interruption = trap.interruption
        message = Self.message(trap)
        backtrace = trap.backtrace.frames.map(Frame.init)
        isTruncated = trap.backtrace.isTruncated
    }

    /// The trap after it has left the guests of `store` too, whose functions it names now.
    func leaving(_ store: RuntimeStore) -> Trap {
        // One that was thrown by guests of this store names those around them already.
        if origin == store.number { return self }
        var trap = self
        trap.origin = store.number
        let left = store.lastBacktrace
        trap.backtrace += left.frames.map(Frame.init)
        if left.isTruncated { trap.isTruncated = true }
        return trap
    }

    /// Names the limit that was reached, and its value.
    private static func message(_ trap: WasmTrap) -> String? {
        if let interruption = trap.interruption { return interruption.description }
        guard let limit = trap.limit else { return nil }
        return switch trap.code {
        case .outOfFuel: "the limit was \(limit)"
        case .stackExhausted: "guests may use \(limit) bytes of stack"
        default: nil
        }
    }

    /// One function of a guest that had not returned.
    public struct Frame: Sendable {
        /// The function's index in its module, imports included.
        public let function: Int
        /// Offset of the instruction in the module's bytes.
        public let offset: Int
        /// Offset of the instruction in the function's body.
        public let bodyOffset: Int
        let frame: Backtrace.Frame

        var module: LoadedModule { frame.module }

        init(_ frame: Backtrace.Frame) {
            function = Int(frame.functionIndex)
            offset = frame.moduleOffset
            bodyOffset = Int(frame.bodyOffset)
            self.frame = frame
        }

        /// The function's name in the module's name section, else the first it is exported under.
        public var name: String? {
            module.name(ofFunction: function)
        }

        /// The function's name as it stands in its source, if `name` is one that a compiler of C++
        /// or Rust made of it; else `name`.
        public var sourceName: String? { name.map { DemangledName.of($0) ?? $0 } }

        /// The same, with `lookup` for the whole backtrace.
        func sourceName(_ lookup: inout SourceLookup) -> String? {
            name.map { lookup.names.demangled($0) }
        }

        /// Where in its source the guest was; nil if its module does not say.
        ///
        /// A module says so in DWARF sections or with a source map, of which nothing is believed,
        /// for it is a guest's. One that was read from a file in text form, and names no other
        /// sources, is its own source.
        public var sourceLocation: SourceLocation? { sourceFrames.first?.location }

        /// The functions of the source that the guest was in, innermost first: more than one if a
        /// compiler has made some of them part of others. Empty if the module does not say.
        public var sourceFrames: [SourceFrame] {
            var lookup = SourceLookup()
            return sourceFrames(&lookup)
        }

        /// The same, with `lookup` for the whole backtrace.
        func sourceFrames(_ lookup: inout SourceLookup) -> [SourceFrame] {
            lookup.frames(at: offset, of: module)
        }
    }
}

extension LoadedModule {
    /// The name of function `index` in the module's name section, else the first it is exported
    /// under.
    func name(ofFunction index: Int) -> String? {
        if let name = functionName(index) { return name }
        let item = ExternalIndex.function(UInt32(truncatingIfNeeded: index))
        return module.exports.first { $0.item == item }?.name
    }
}

extension Store {
    /// The functions of guests that had not returned when a call into this store last ended in an
    /// error, innermost first; empty if none did, or no guest was left.
    ///
    /// A `Trap` has these itself. An error of the host's own comes to the caller unchanged: here is
    /// where it was thrown.
    public var lastBacktrace: [Trap.Frame] {
        (try? runtime)?.lastBacktrace.frames.map(Trap.Frame.init) ?? []
    }
}

extension Trap: CustomStringConvertible {
    /// How many frames of each end of a long backtrace are shown.
    private static var framesShown: Int { 20 }

    /// The specification's text, then a line for each frame, innermost first.
    public var description: String {
        var text = "trap: \(code)"
        if let message { text += ": \(message)" }
        return text + Self.lines(backtrace, isTruncated: isTruncated)
    }

    /// A line for each frame, innermost first.
    static func lines(_ backtrace: [Frame], isTruncated: Bool) -> String {
        var text = ""
        var lookup = SourceLookup()
        let hidden = backtrace.count - 2 * framesShown
        for (index, frame) in backtrace.enumerated() {
            if hidden <= 0 || index < framesShown || index >= framesShown + hidden {
                text += "\n  at \(frame.description(&lookup))"
            } else if index == framesShown {
                text += "\n  … \(hidden) more"
            }
        }
        if isTruncated { text += "\n  …" }
        return text
    }
}

extension Trap.Frame: CustomStringConvertible {
    /// The function and the place in its module, e.g. `divide (module+0x4f)`, and if it is known
    /// that in its source, `divide (module+0x4f) at math.c:12:7`. Functions that are part of it
    /// come before it, with `\n  at ` between them.
    public var description: String {
        var lookup = SourceLookup()
        return description(&lookup)
    }

    /// The same, with `lookup` for the whole backtrace.
    func description(_ lookup: inout SourceLookup) -> String {
        let frames = sourceFrames(&lookup)
        let name = sourceName(&lookup) ?? frames.last?.name
        let shown = name.map(PrintableText.name) ?? "function \(function)"
        let own = "\(shown) (module+0x\(String(offset, radix: 16)))"
        guard let outermost = frames.last else { return own }
        let inlined = frames.dropLast().map { frame in
            "\(frame.name.map(PrintableText.name) ?? "function")\(frame.place) (inlined)"
        }
        return (inlined + [own + outermost.place]).joined(separator: "\n  at ")
    }
}
