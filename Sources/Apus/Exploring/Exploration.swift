/// What becomes of functions of a module on their way to machine code: every form that each of
/// them has, line by line, and which instructions of the module the lines are made of.
public struct Exploration: Hashable, Sendable {
    /// A form that a function has, in the order it goes through them.
    public enum Stage: String, CaseIterable, Hashable, Sendable {
        /// The text format.
        case text
        /// The optimizing compiler's own form, after its passes.
        case ir
        /// Its instructions with their registers.
        case machine
        /// The baseline compiler's machine code.
        case baseline
        /// The optimizing compiler's machine code.
        case optimizing
    }

    /// A line of one form of a function.
    public struct Line: Hashable, Sendable {
        /// What it says.
        public var text: String
        /// Where in the module the instruction is that it is, or was made of; nil if it is of none.
        public var offset: Int?

        /// A line about the instruction at `offset`.
        public init(_ text: String, offset: Int?) {
            self.text = text
            self.offset = offset
        }
    }

    /// A line of a source file that a function comes from, or is between two of those.
    public struct SourceLine: Hashable, Sendable {
        /// The file's path, as the compiler saw it.
        public var file: String
        /// Counted from 1.
        public var line: Int
        /// What it says; nil if the file could not be read.
        public var text: String?
    }

    /// A function with all its forms.
    public struct Function: Hashable, Sendable {
        /// In the module's function index space.
        public var index: Int
        /// Its name as it stands in its source, or the first it is exported under.
        public var name: String?
        /// Where its body is in the module.
        public var body: Range<Int>
        /// Its lines at each stage, in the order of `Stage.allCases`. Those of the optimizing
        /// compiler's own forms are missing if it leaves the function to the baseline compiler.
        public var stages: [[Line]]
        /// How many bytes of machine code the baseline compiler makes of it.
        public var baselineBytes: Int
        /// How many the optimizing compiler does.
        public var optimizingBytes: Int
        /// What of its sources there is to be shown, by file.
        public var sources: [SourceLine]
        /// From which instruction of the module on, up to the next place, code comes from which of
        /// `sources`; nil: from none that is known.
        public var sourcePlaces: [SourcePlace]

        /// Its lines at `stage`.
        public func lines(at stage: Stage) -> [Line] {
            Stage.allCases.firstIndex(of: stage).map { stages[$0] } ?? []
        }
    }

    /// Where in a function the source line changes.
    public struct SourcePlace: Hashable, Sendable {
        /// Of an instruction in the module.
        public var offset: Int
        /// In the function's `sources`.
        public var line: Int?
    }

    /// What is shown, and how much.
    public struct Options: Sendable {
        /// The functions: their indices, names of exports, or names in the module. Nil: all.
        public var functions: [String]?
        /// About how many bytes of text there may be; functions beyond these are left out, and a
        /// function that is larger by itself loses lines.
        public var bytesLimit = 8 << 20
        /// Gives the contents of a source file that the module names by its path, if they are to
        /// be shown. A module may name any path, so whoever reads files decides which.
        public var readSource: (@Sendable (String) -> String?)?
        /// Gives the source map that the module refers to (`Module.sourceMapURL`).
        public var readSourceMap: (@Sendable (String) -> [UInt8]?)?

        /// All functions, without their sources' text.
        public init() {}
    }

    /// The functions that are shown.
    public var functions: [Function] = []
    /// How many functions were asked for: more than there are in `functions` if the limit was
    /// reached.
    public var requestedCount = 0
    /// How many the module defines.
    public var definedCount = 0
    /// Bytes of the module.
    public var moduleBytes = 0
    /// Source files that the module names and that were not to be had.
    public var missingSources: [String] = []
}
