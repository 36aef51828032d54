internal import ApusDWARF
internal import ApusFormat

extension Trap {
    /// A place in a source file, as the module says it.
    public struct SourceLocation: Hashable, Sendable {
        /// The file's path, as the compiler saw it.
        public var file: String
        /// Counted from 1.
        public var line: Int
        /// Counted from 1; 0: it is not known.
        public var column: Int

        init(_ position: SourcePosition) {
            file = position.file
            line = position.line
            column = position.column
        }
    }

    /// A function of the source that a guest was in.
    public struct SourceFrame: Hashable, Sendable {
        /// The function's name as it stands in its source; nil if it is not known.
        public var name: String?
        /// Where in its source the guest was; nil if it is not known.
        public var location: SourceLocation?

        init(_ frame: ApusDWARF.SourceFrame, _ names: inout SourceNames) {
            name = frame.function.map { names.demangled($0) }
            location = frame.position.map(SourceLocation.init)
        }

        /// ` at file:line:column`, or nothing.
        var place: String { location.map { " at \($0)" } ?? "" }
    }
}

extension Trap.SourceLocation: CustomStringConvertible {
    /// `file:line:column`, or `file:line` if the column is not known.
    public var description: String {
        let place = "\(PrintableText.path(file)):\(line)"
        return column > 0 ? "\(place):\(column)" : place
    }
}

extension Module {
    /// Where the module says that its source map is, mostly a path relative to its own; nil if it
    /// refers to none, or has it in itself.
    public var sourceMapURL: String? { decoded.sourceMapURL }

    /// Has `read` give the contents of the source map that the module refers to. It is called once,
    /// when somebody asks for a place in the module's sources, or an instance is to be profiled.
    /// No lock is held, so it may do anything with the engine; while it runs, places in the
    /// module's sources are not known.
    public func setSourceMap(_ read: @escaping @Sendable () -> [UInt8]?) {
        loaded.setSourceMap(read)
    }
}
