internal import ApusCollections
internal import ApusDWARF
internal import ApusRuntime

/// A step that is under way: where it began, and when it is done.
struct StepPlan {
    private let kind: Debugger.Step
    /// The frame that it began in; callers have higher ones.
    private var frame: UInt
    /// Functions of the guests that had not returned: it may end in any of them.
    private(set) var functions: [(module: LoadedModule, range: Range<Int>)] = []
    /// The line that it began in, if that is known.
    var startLine: SourcePosition?
    /// Whether it ends where a line begins.
    var isByLine = false
    /// Whether it may end in functions that are yet to be called.
    private(set) var isEverywhere: Bool

    /// More frames are not looked at: a step that ends further out runs on.
    static var frameLimit: Int { 256 }

    init(_ kind: Debugger.Step, _ unit: Debugger.Unit, _ frames: [GuestFrame]) {
        self.kind = kind
        frame = frames.first?.identity ?? 0
        isEverywhere = kind == .into
        for frame in frames {
            let index = frame.functionIndex - frame.module.module.importedFunctionCount
            let body = frame.module.module.bodies[index]
            let range = Int(body.start)..<Int(body.end)
            let isKnown = functions.contains { $0.module === frame.module && $0.range == range }
            if !isKnown { functions.append((frame.module, range)) }
        }
    }

    /// Whether it ends before the instruction at `offset`, in `frame`, whose function's lines are
    /// `lines`.
    mutating func isDone(at offset: Int, frame: UInt, _ lines: FunctionLines?) -> Bool {
        if frame > self.frame {
            // It has returned. Where there are no lines nobody wants to be.
            if !isByLine || lines != nil || startLine == nil { return true }
            self.frame = frame
            return false
        }
        if kind == .out { return false }
        if frame < self.frame {
            guard kind == .into else { return false }
            if !isByLine { return true }
            // A function without lines runs on until it returns.
            isEverywhere = lines != nil
            return lines.map { $0.isBeginning(offset) && !$0.isPrologue(offset) } ?? false
        }
        isEverywhere = kind == .into
        if !isByLine { return true }
        guard let lines, let line = lines.line(beginningAt: offset) else { return false }
        return line.line != startLine?.line || line.file != startLine?.file
    }
}

/// Where the lines of a function begin.
struct FunctionLines {
    private let lines: SourceLines<Int>
    private var rows: [SourceLines<Int>.Row] { lines.rows }

    /// Nil if there are none.
    init?(_ lines: SourceLines<Int>) {
        if lines.rows.isEmpty { return nil }
        self.lines = lines
    }

    private func row(at offset: Int) -> Int {
        rows.partitioningIndex { $0.offset > offset } - 1
    }

    /// The line that the instruction at `offset` is of.
    func line(at offset: Int) -> SourcePosition? {
        let row = row(at: offset)
        return row >= 0 ? lines.position(rows[row]) : nil
    }

    /// The line that begins with the instruction at `offset`.
    func line(beginningAt offset: Int) -> SourcePosition? {
        let row = row(at: offset)
        return row >= 0 && rows[row].offset == offset ? lines.position(rows[row]) : nil
    }

    /// Whether a line begins at `offset`.
    func isBeginning(_ offset: Int) -> Bool { line(beginningAt: offset) != nil }

    /// Whether the instruction at `offset` is among those that the function begins with, before it
    /// has its variables.
    func isPrologue(_ offset: Int) -> Bool { rows.count > 1 && offset < rows[1].offset }

    /// Where the function has its variables.
    var prologueEnd: Int { rows.count > 1 ? rows[1].offset : rows[0].offset }
}
