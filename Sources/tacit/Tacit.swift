import ArgumentParser
@main struct Tacit: ParsableCommand { }
