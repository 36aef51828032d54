/// Which lines code comes from, in the order of its offsets. Files are numbers in a list: who looks
/// at many lines compares no paths.
public struct SourceLines<Offset: Comparable & Sendable>: Sendable {
    /// Code from `offset` on, up to the next row's, comes from this line.
    public struct Row: Sendable {
        public var offset: Offset
        /// In `files`.
        public var file: Int
        /// Counted from 1.
        public var line: Int
        /// Counted from 1; 0: the compiler does not say.
        public var column: Int
    }

    /// The paths of the files, as the compiler saw them.
    public var files: [String] = []
    /// Ascending by offset.
    public var rows: [Row] = []

    /// Of nothing.
    public init() {}

    /// The place in its file that a row is of.
    public func position(_ row: Row) -> SourcePosition {
        SourcePosition(file: files[row.file], line: row.line, column: row.column)
    }
}
