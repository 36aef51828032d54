/// What an asynchronous limiter has said of growths that somebody is going to ask for.
///
/// What was asked is kept with each answer: while the limiter is waited for, other threads and
/// guests may make the same thing grow, and then it is something else that is asked for.
struct GrowthConsents {
    private var answers: [(growth: Growth, isAllowed: Bool)] = []
    private var seen = 0

    /// What was said of `growth`, if anything, and not seen since what asks began.
    mutating func next(of growth: Growth) -> Bool? {
        guard let index = answers[seen...].firstIndex(where: { $0.growth == growth }) else {
            return nil
        }
        seen = index + 1
        return answers[index].isAllowed
    }

    /// The limiter has said one thing more; all of it is going to be asked for again.
    mutating func add(_ isAllowed: Bool, of growth: Growth) {
        answers.append((growth, isAllowed))
        seen = 0
    }
}
